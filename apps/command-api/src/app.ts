import { productEvents } from '@catalogue/contracts';
import { hintAppended } from '@catalogue/event-store';
import { isTransient, type Sql } from '@catalogue/postgres';
import { createServer, type Logger, type Registry, type Server } from '@catalogue/service';
import { GroupCommit, NotDecided } from './group-commit.ts';
import { products } from './product/product.ts';
import { productRoutes } from './product/routes.ts';

export interface AppOptions {
  store: Sql;
  log: Logger;
  metrics: Registry;
  corsOrigins: string[];
  now: () => Date;
}

/** The commands of the catalogue over HTTP, decided here and kept in the event store. */
export async function buildApp({ store, log, metrics, corsOrigins, now }: AppOptions): Promise<Server> {
  const app = await createServer({
    log,
    metrics,
    corsOrigins,
    api: { title: 'Catalogue commands', description: 'Creates, changes and discontinues products.' },
    isUnavailable: (error) => error instanceof NotDecided || isTransient(error),
    dependencies: {
      'event store': async () => {
        await store`select 1 from events limit 0`;
        return { status: 'up' };
      },
    },
  });
  // RFC 7396. PUT takes it too: it has always changed only what is given.
  app.addContentTypeParser(
    'application/merge-patch+json',
    { parseAs: 'string' },
    app.getDefaultJsonParser('remove', 'remove'),
  );
  const commands = new GroupCommit(store, products, (type) => productEvents[type].schemaVersion, hintAppended(store));
  productRoutes(app, commands, now);
  return app;
}
