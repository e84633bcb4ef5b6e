import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

export { Counter, Gauge, Histogram, Registry };

/** A registry of its own for one process, with Node's own figures in it: memory, event loop, garbage collection. */
export function createMetrics(service: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  return registry;
}

/**
 * A question that is asked once for all who want its answer meanwhile: strangers who ask a thousand times at once cost one.
 * For several metrics that one question answers, each has this as its `collect`: set by the collect of one alone, the others
 * would tell what the scrape before found.
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
