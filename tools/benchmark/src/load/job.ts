/** A run of the load generator. Plain data, because it is sent to another process. */
export interface Job {
  port: number;
  /** Each carries one request at a time. */
  connections: number;
  /** Milliseconds of load before measuring. */
  warmUp: number;
  /** Milliseconds of measuring. */
  duration: number;
  /** Requests a second, evenly paced as long as a connection is free; without a bound when absent. */
  perSecond?: number;
  /**
   * Requests are due at the rate `perSecond`, whether earlier ones are answered or not, and latency counts from that
   * time. Otherwise a slow answer delays the next request, and hides how long others would have waited ("coordinated
   * omission").
   */
  open?: boolean;
  /** The number of requests after which the run ends early. */
  count?: number;
  /** The expected status. */
  expected: number;
  requests: Requests;
}

export type Requests =
  /** New products. `keys` begins each one's Idempotency-Key; of `tokens`, each connection sends one. */
  | { kind: 'create'; keys?: string; tokens?: readonly string[] }
  /** New prices for random products, all different. */
  | { kind: 'change'; ids: readonly string[] }
  /** Random ones of these. */
  | { kind: 'read'; reads: readonly Read[] };

export interface Read {
  path: string;
  headers?: Readonly<Record<string, string>>;
}

/** The result of a run. Times in milliseconds, for requests answered while measuring. */
export interface LoadResult {
  perSecond: number;
  p50: number;
  p90: number;
  p99: number;
  max: number;
  /** Answers by status over the whole run, including the warm-up. */
  statuses: Record<number, number>;
  /** The first answer with an unexpected status. */
  unexpected?: string;
}

/** A message of the generator: a phase, and at the end a result or failure. */
export type Said = { phase: Phase } | { result: LoadResult } | { failure: string };
export type Phase = 'measuring' | 'measured';
