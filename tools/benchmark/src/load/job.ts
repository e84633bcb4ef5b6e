/** What one run of the load generator is to do. Crosses to another process, so plain data. */
export interface Job {
  port: number;
  /** Each sends its next request when the one before is answered. */
  connections: number;
  /** Milliseconds of load before anything is measured. */
  warmUp: number;
  /** Milliseconds that are measured. */
  duration: number;
  /** So many requests a second, evenly, however long answers take, as long as a connection is free; no bound when absent. */
  perSecond?: number;
  /** Ends the run after so many requests, even when time is left. */
  count?: number;
  /** The only status that is right. */
  expected: number;
  requests: Requests;
}

export type Requests =
  /** New products; with `keys`, each under an Idempotency-Key of its own that begins so. */
  | { kind: 'create'; keys?: string }
  /** A new price each for products picked at random; no two of a run are the same. */
  | { kind: 'change'; ids: readonly string[] }
  /** One of these at random each time. */
  | { kind: 'read'; reads: readonly Read[] };

export interface Read {
  path: string;
  headers?: Readonly<Record<string, string>>;
}

/** What a run found. Times in milliseconds, of requests answered while measuring. */
export interface LoadResult {
  perSecond: number;
  p50: number;
  p90: number;
  p99: number;
  max: number;
  /** Answers by status, from the first request to the last, the warm-up included. */
  statuses: Record<number, number>;
  /** The first answer with another status than the expected one. */
  unexpected?: string;
}

/** What the generator says while it runs a job, and at its end. */
export type Said = { phase: Phase } | { result: LoadResult } | { failure: string };
export type Phase = 'measuring' | 'measured';
