import type { EventEmitter } from 'node:events';
import { checkOrigin } from '@catalogue/event-store';
import { isTransient, type Sql } from '@catalogue/postgres';
import { createServer, Problem, type ProcessOptions, type Server } from '@catalogue/service';
import { openCommands } from './commands.ts';
import { NotDecided, Overloaded } from './commit/submission.ts';
import { historyRoute } from './product/history.ts';
import { productRoutes } from './product/routes.ts';

export interface AppOptions extends ProcessOptions {
  store: Sql;
  /** The same database through another pool. */
  queries: Sql;
  /** Emits `closed` when a connection to the store has ended. */
  connections?: EventEmitter;
  /** The subject that alone may send the request ids of promotions' steps; everybody may when empty, or with `auth` off. */
  promotionsSubject?: string;
}

/** Builds the HTTP server that decides the catalogue's commands and appends their events to the event store. */
export async function buildApp(options: AppOptions): Promise<Server> {
  const { store, queries, connections, promotionsSubject = '', ...server } = options;
  const app = await createServer({
    ...server,
    api,
    problemOf,
    dependencies: {
      'event store': async () => {
        await checkOrigin(store);
        return { status: 'up' };
      },
    },
  });
  const commands = openCommands(store, server.log, server.metrics);
  // Checks the store before the first command: is it up, and on the server that wrote it? Until it is, commands get 503.
  commands.outage.begin();
  await commands.outage.isOverWithin(1_000);
  // The store may also go down, and come back as another server, while no command is in progress.
  const closed = () => commands.outage.begin();
  connections?.on('closed', closed);
  app.addHook('onClose', async () => void connections?.off('closed', closed));
  productRoutes(app, commands, (server.auth ?? 'off') === 'off' ? '' : promotionsSubject);
  historyRoute(app, queries);
  return app;
}

const api = {
  title: 'Catalogue commands',
  description: `Creates, changes and discontinues products. An answer \`2xx\` means that the write is durable.

- **Read your own write**: send the \`Consistency-Token\` of an answer as a header, or as \`?after=\`, with any query to
  query-api. The answer then includes the write.
- **Retry safely**: send an \`Idempotency-Key\`. The same request with the same key is carried out once.
- **Do not overwrite others' changes**: send the \`ETag\` of the state you saw as \`If-Match\`.`,
  tags: {
    Products: 'Change products: each command answers with the new version.',
    History: 'The audit trail of a product, from the event store.',
  },
};

function problemOf(error: unknown): Problem | undefined {
  const headers = { 'retry-after': '1' };
  if (error instanceof Overloaded) return new Problem('overloaded', error.message, { headers });
  if (error instanceof NotDecided) return new Problem('unavailable', error.message, { headers });
  return isTransient(error) ? new Problem('unavailable', 'The event store is unavailable', { headers }) : undefined;
}
