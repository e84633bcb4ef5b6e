import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

export { Counter, Gauge, Histogram, Registry };

/** Creates the registry of one process, with Node's default metrics: memory, event loop, garbage collection. */
export function createMetrics(service: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  return registry;
}

/**
 * Shares one run of `ask` among all concurrent callers, so that a thousand concurrent requests from outside cost one. If one
 * query provides several metrics, use this as the `collect` of each: if only one of them collected, the others would show the
 * values of the previous scrape.
 */
export function askedTogether<T>(ask: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | undefined;
  return () => {
    asked ??= ask().finally(() => {
      asked = undefined;
    });
    return asked;
  };
}
