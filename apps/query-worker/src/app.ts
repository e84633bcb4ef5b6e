import { type Model, openProjection, type ProjectionOptions } from '@catalogue/projection';
import { createServer } from '@catalogue/service';
import { pruneChangesNowAndThen } from './prune-changes.ts';
import type { Product } from './projection/product.ts';

/** The consumers of all generations of the read model, and a server for health and metrics. */
export async function buildWorker(model: Model<Product>, options: ProjectionOptions) {
  const { sql, log, metrics } = options;
  const { dependencies, generations, work: project } = openProjection(model, options);
  const app = await createServer({ log, metrics, dependencies });
  const work = async (signal: AbortSignal) => {
    await Promise.all([project(signal), pruneChangesNowAndThen(sql, log, signal)]);
  };
  return { app, work, generations };
}
