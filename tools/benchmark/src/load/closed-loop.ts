import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from './connection.ts';
import type { Job, LoadResult, Phase } from './job.ts';
import { type NextRequest, requestSource } from './requests.ts';
import { Tally } from './tally.ts';

// The services answer within 5 s or not at all.
const maxAnswerMs = 10_000;

/**
 * Runs a job: every connection sends its next request after the answer to the previous one. At the end it waits for all
 * answers, so that the number of acknowledged requests is exact.
 * @throws when a connection fails, or an answer is missing for ten seconds.
 */
export async function runLoad(job: Job, onPhase: (phase: Phase) => void): Promise<LoadResult> {
  const loop = new ClosedLoop(job);
  try {
    return await Promise.race([loop.run(onPhase), loop.fault]);
  } finally {
    loop.close();
  }
}

class ClosedLoop {
  readonly #job: Job;
  readonly #fault = Promise.withResolvers<never>();
  readonly #done = Promise.withResolvers<void>();
  readonly #connections: { connection: Connection; next: NextRequest }[];
  readonly #tally: Tally;
  readonly #mostSent: number;
  #measuring = false;
  #stopping = false;
  #sent = 0;
  #open: number;
  /** When the next request is due, by `performance.now()`; without a pace always now. */
  #dueAt = 0;

  constructor(job: Job) {
    this.#job = job;
    this.#tally = new Tally(job.expected);
    this.#mostSent = job.count ?? Number.POSITIVE_INFINITY;
    this.#open = job.connections;
    const source = requestSource(job.requests, `127.0.0.1:${job.port}`);
    this.#connections = Array.from({ length: job.connections }, () => this.#connect(source()));
  }

  /** Rejects when a connection fails. */
  get fault(): Promise<never> {
    return this.#fault.promise;
  }

  async run(onPhase: (phase: Phase) => void): Promise<LoadResult> {
    await Promise.all(this.#connections.map(({ connection }) => connection.opened));
    this.#dueAt = performance.now();
    for (const { connection, next } of this.#connections) this.#sendNext(connection, next);
    await this.#doneWithin(this.#job.warmUp);
    this.#measuring = true;
    onPhase('measuring');
    const started = performance.now();
    await this.#doneWithin(this.#job.duration);
    const seconds = (performance.now() - started) / 1000;
    this.#measuring = false;
    this.#stopping = true;
    onPhase('measured');
    if (!(await this.#doneWithin(maxAnswerMs))) throw new Error(`${this.#open} requests got no response`);
    return this.#tally.result(seconds);
  }

  close(): void {
    for (const { connection } of this.#connections) connection.close();
  }

  #connect(next: NextRequest) {
    const { port } = this.#job;
    const onAnswer = (status: number, milliseconds: number, response: Buffer) => {
      this.#tally.answered(status, response);
      if (this.#measuring) this.#tally.measured(milliseconds);
      this.#sendNext(connection, next);
    };
    const connection = new Connection({ port, onAnswer, onFault: this.#fault.reject });
    return { connection, next };
  }

  #sendNext(connection: Connection, next: NextRequest): void {
    if (!this.#stopping && this.#sent < this.#mostSent) {
      this.#sent += 1;
      this.#whenDue(() => connection.send(next()));
      return;
    }
    this.#open -= 1;
    if (this.#open === 0) this.#done.resolve();
  }

  #whenDue(send: () => void): void {
    const { perSecond } = this.#job;
    if (perSecond === undefined) {
      send();
      return;
    }
    const early = this.#dueAt - performance.now();
    // Requests that were late because all connections were waiting are not sent in a burst.
    this.#dueAt = Math.max(this.#dueAt, performance.now() - 100) + 1000 / perSecond;
    if (early < 1) send();
    else setTimeout(send, early);
  }

  /** False when connections still work after this many milliseconds. */
  #doneWithin(milliseconds: number): Promise<boolean> {
    return Promise.race([this.#done.promise.then(() => true), delay(milliseconds, false)]);
  }
}
