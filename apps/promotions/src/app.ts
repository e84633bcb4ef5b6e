import type { Catalogue } from '@catalogue/client';
import type { Sql } from '@catalogue/postgres';
import type { Projection } from '@catalogue/projection';
import { outageProblem, requireRevalidation } from '@catalogue/reading';
import { createServer, type ProcessOptions } from '@catalogue/service';
import { hintChanged, listenForChanges } from './changes/hints.ts';
import { Streams } from './changes/streams.ts';
import { Driver } from './drive/driver.ts';
import { Slots } from './drive/slots.ts';
import { measurePromotions } from './metrics.ts';
import { operationRoutes } from './routes/operations.ts';
import { promotionRoutes } from './routes/promotions.ts';
import { scheduleRoute } from './routes/schedule.ts';
import { showProgress } from './routes/shown.ts';
import { streamRoute } from './routes/stream.ts';

export interface AppOptions extends ProcessOptions {
  projection: Pick<Projection, 'dependencies' | 'work'>;
  /** The database through a separate pool: the driver and the routes must not wait for the projection. */
  machine: Sql;
  catalogue: Catalogue;
}

/** Concurrent commands: command-api appends commands that arrive together in one transaction. */
const maxCommands = 128;
/** Concurrent commands of a new process: each doubling takes the time of an answer, and the start of a promotion waits. */
const firstCommands = 32;

/** Builds the HTTP server of promotions, and the work beside it: the projection of prices, and the driver of promotions. */
export async function buildApp(options: AppOptions) {
  const { projection, machine: sql, catalogue, ...server } = options;
  const { log, metrics } = server;
  const { dependencies } = projection;
  const app = await createServer({ ...server, api, dependencies, problemOf: outageProblem });
  requireRevalidation(app);
  const { onAnswered, onMoved } = measurePromotions(metrics, sql, log);
  const hint = hintChanged(sql);
  const driver = new Driver({
    sql,
    catalogue,
    slots: new Slots(maxCommands, firstCommands),
    log,
    onAnswered,
    onMoved: (to, lateMs) => {
      hint();
      onMoved(to, lateMs);
    },
  });
  const streams = new Streams({ sql, log, metrics, show: showProgress });
  app.addHook('preClose', async () => streams.stop());
  // Promotions have changed: here, or in another process.
  const onChanged = () => {
    driver.wake();
    streams.hint();
  };
  const wake = () => {
    driver.wake();
    hint();
  };
  scheduleRoute(app, { sql, wake });
  streamRoute(app, { sql, streams });
  promotionRoutes(app, sql);
  operationRoutes(app, { sql, wake });
  const work = async (signal: AbortSignal) => {
    await Promise.all([
      projection.work(signal),
      driver.run(signal),
      streams.run(signal),
      listenForChanges(sql, onChanged, log, signal),
    ]);
  };
  return { app, work };
}

const api = {
  title: 'Catalogue promotions',
  description: `Runs promotions: changes the prices of their products at the start, and restores the former prices at the end,
unless someone else has changed a price meanwhile. While the service, command-api or Kafka is down, starts and ends are late.
The instant \`endsBefore\` is not part of a promotion. A product is in one promotion at a time.`,
  tags: { Promotions: 'Schedule, follow and operate promotions.' },
};
