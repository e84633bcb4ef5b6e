import type { Catalogue } from '@catalogue/client';
import type { Sql } from '@catalogue/postgres';
import type { Projection } from '@catalogue/projection';
import { outageProblem, requireRevalidation } from '@catalogue/reading';
import { type AuthSettings, createServer, type Limits, type Logger, type Registry } from '@catalogue/service';
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

export interface AppOptions {
  projection: Pick<Projection, 'dependencies' | 'work'>;
  /** The database through another pool than the projection's: the driver and the routes must not wait for it. */
  machine: Sql;
  catalogue: Catalogue;
  log: Logger;
  metrics: Registry;
  corsOrigins: string[];
  /** Whose access tokens requests need; `off` when absent. */
  auth?: AuthSettings;
  /** What one caller may do; everything when absent. */
  limits?: Limits | undefined;
}

/** Commands under way at once. */
const maxCommands = 16;

/** The HTTP server of promotions, and the work beside it: the projection of prices, and the driver of the machine. */
export async function buildApp(options: AppOptions) {
  const { projection, machine: sql, catalogue, log, metrics, corsOrigins, auth = 'off', limits } = options;
  const { dependencies } = projection;
  const app = await createServer({
    log,
    metrics,
    corsOrigins,
    auth,
    limits,
    api,
    dependencies,
    problemOf: outageProblem,
  });
  requireRevalidation(app);
  const { onAnswered, onMoved } = measurePromotions(metrics, sql, log);
  const hint = hintChanged(sql);
  const driver = new Driver({
    sql,
    catalogue,
    slots: new Slots(maxCommands),
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
  description: `Schedules promotions: their prices begin and end on time, and every price is given back, unless someone else has
changed it meanwhile. A promotion is \`[startsAt, endsBefore)\`. A product is in one promotion at a time.`,
  tags: { Promotions: 'Schedule, follow and operate promotions.' },
};
