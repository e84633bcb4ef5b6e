import {
  type Model,
  openProjection,
  type Projection,
  type ProjectionOptions,
  pruneChangesNowAndThen,
} from '@catalogue/projection';
import { createServer, type Server } from '@catalogue/service';
import type { Product } from './projection/product.ts';

/** The consumers, and what `serve` needs to run them. */
export interface Worker extends Pick<Projection, 'generations' | 'work'> {
  app: Server;
}

/** The consumers of all generations of the read model, and a server for health and metrics. */
export async function buildWorker(model: Model<Product>, options: ProjectionOptions): Promise<Worker> {
  const { sql, log, metrics } = options;
  const { dependencies, generations, work: project } = openProjection(model, options);
  const app = await createServer({ log, metrics, dependencies });
  const work = async (signal: AbortSignal) => {
    await Promise.all([project(signal), pruneChangesNowAndThen(sql, log, signal)]);
  };
  return { app, work, generations };
}
