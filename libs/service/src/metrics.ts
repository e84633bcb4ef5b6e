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

/** When the certificate of the service's own HTTPS expires. It may change. */
export function certificateMetric(metrics: Registry, expiry: () => Date): void {
  new Gauge({
    name: 'tls_certificate_expires_timestamp_seconds',
    help: 'When the certificate of the service’s own HTTPS expires, in seconds since 1970',
    registers: [metrics],
    collect() {
      this.set(expiry().getTime() / 1_000);
    },
  });
}
