import type { Projection } from '@catalogue/projection';
import { createServer, type Logger, type Registry } from '@catalogue/service';

export interface AppOptions {
  projection: Pick<Projection, 'dependencies' | 'work'>;
  log: Logger;
  metrics: Registry;
  corsOrigins: string[];
}

/** The HTTP server of promotions, and the work beside it. */
export async function buildApp({ projection, log, metrics, corsOrigins }: AppOptions) {
  const app = await createServer({ log, metrics, corsOrigins, dependencies: projection.dependencies });
  return { app, work: projection.work };
}
