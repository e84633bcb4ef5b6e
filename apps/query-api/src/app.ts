import { isTransient, type Sql } from '@catalogue/postgres';
import { createServer, type Logger, Problem, type Registry, type Server } from '@catalogue/service';
import { findProduct, listByName } from './product/queries.ts';
import { productRoutes } from './product/routes.ts';

export interface AppOptions {
  readModel: Sql;
  log: Logger;
  metrics: Registry;
  corsOrigins: string[];
}

/** The queries of the catalogue over HTTP, answered from the read model. */
export async function buildApp({ readModel, log, metrics, corsOrigins }: AppOptions): Promise<Server> {
  const app = await createServer({
    log,
    metrics,
    corsOrigins,
    api: { title: 'Catalogue queries', description: 'Shows and lists products.' },
    problemOf: (error) =>
      isTransient(error)
        ? new Problem('unavailable', 'The read model is away', { headers: { 'retry-after': '1' } })
        : undefined,
    dependencies: {
      'read model': async () => {
        // The statements of the routes: before it is ready, a connection is there and knows them.
        await Promise.all([findProduct(readModel, ''), listByName(readModel, undefined, 1)]);
        return { status: 'up' };
      },
    },
  });
  productRoutes(app, readModel);
  return app;
}
