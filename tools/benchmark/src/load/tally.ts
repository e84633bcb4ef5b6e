import { Histogram } from './histogram.ts';
import type { LoadResult } from './job.ts';

/** Counts answers by status, and the latencies of the measured ones. */
export class Tally {
  readonly #expected: number;
  readonly #statuses: Record<number, number> = {};
  readonly #latencies = new Histogram();
  #unexpected: string | undefined;

  constructor(expected: number) {
    this.#expected = expected;
  }

  answered(status: number, response: Buffer): void {
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1;
    if (status !== this.#expected) this.#unexpected ??= response.toString();
  }

  measured(milliseconds: number): void {
    this.#latencies.add(milliseconds);
  }

  /** @param answered while measuring; as many as latencies when absent. */
  result(seconds: number, answered = this.#latencies.count): LoadResult {
    const latencies = this.#latencies;
    return {
      perSecond: answered / seconds,
      p50: latencies.percentile(50),
      p90: latencies.percentile(90),
      p99: latencies.percentile(99),
      max: latencies.max,
      statuses: this.#statuses,
      ...(this.#unexpected === undefined ? {} : { unexpected: this.#unexpected }),
    };
  }
}
