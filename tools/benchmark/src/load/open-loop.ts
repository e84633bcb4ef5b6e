import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from './connection.ts';
import type { Job, LoadResult, Phase } from './job.ts';
import { type NextRequest, requestSource } from './requests.ts';
import { Tally } from './tally.ts';

// A server that cannot keep up answers the rest after the run.
const maxDrainMs = 60_000;

/**
 * Runs a job whose requests are due at even times. A request that finds no free connection waits for one, and its
 * latency includes the wait. Timers add up to a millisecond to a latency. At the end it waits for all answers.
 * @throws when a connection fails, or answers are missing a minute after the last request was due.
 */
export async function runOpenLoad(job: Job, onPhase: (phase: Phase) => void): Promise<LoadResult> {
  const { perSecond } = job;
  if (perSecond === undefined) throw new Error('An open load needs a rate');
  const loop = new OpenLoop(job, perSecond);
  try {
    return await Promise.race([loop.run(onPhase), loop.fault]);
  } finally {
    loop.close();
  }
}

interface Client {
  connection: Connection;
  next: NextRequest;
  /** When its present request was due. */
  dueAt: number;
}

class OpenLoop {
  readonly #job: Job;
  readonly #perSecond: number;
  readonly #fault = Promise.withResolvers<never>();
  readonly #done = Promise.withResolvers<void>();
  readonly #clients: Client[];
  readonly #free: Client[];
  readonly #tally: Tally;
  readonly #total: number;
  #startedAt = 0;
  #sent = 0;
  #answered = 0;
  #answeredWhileMeasuring = 0;
  #measuring = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(job: Job, perSecond: number) {
    this.#job = job;
    this.#perSecond = perSecond;
    this.#tally = new Tally(job.expected);
    const due = Math.floor(((job.warmUp + job.duration) * perSecond) / 1000);
    this.#total = Math.min(due, job.count ?? Number.POSITIVE_INFINITY);
    const source = requestSource(job.requests, `127.0.0.1:${job.port}`);
    this.#clients = Array.from({ length: job.connections }, () => this.#connect(source()));
    this.#free = [...this.#clients];
  }

  /** Rejects when a connection fails. */
  get fault(): Promise<never> {
    return this.#fault.promise;
  }

  async run(onPhase: (phase: Phase) => void): Promise<LoadResult> {
    const { warmUp, duration } = this.#job;
    await Promise.all(this.#clients.map(({ connection }) => connection.opened));
    this.#startedAt = performance.now();
    this.#sendDue();
    await delay(warmUp);
    this.#measuring = true;
    onPhase('measuring');
    await delay(this.#startedAt + warmUp + duration - performance.now());
    const seconds = (performance.now() - this.#startedAt - warmUp) / 1000;
    this.#measuring = false;
    onPhase('measured');
    const drained = await Promise.race([this.#done.promise.then(() => true), delay(maxDrainMs, false)]);
    if (!drained) throw new Error(`${this.#total - this.#answered} requests got no response`);
    return this.#tally.result(seconds, this.#answeredWhileMeasuring);
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const { connection } of this.#clients) connection.close();
  }

  #connect(next: NextRequest): Client {
    const { port } = this.#job;
    const onAnswer = (status: number, _: number, response: Buffer) => this.#onAnswer(client, status, response);
    const connection = new Connection({ port, onAnswer, onFault: this.#fault.reject });
    const client: Client = { connection, next, dueAt: 0 };
    return client;
  }

  #onAnswer(client: Client, status: number, response: Buffer): void {
    this.#tally.answered(status, response);
    this.#answered += 1;
    if (this.#measuring) this.#answeredWhileMeasuring += 1;
    if (client.dueAt >= this.#startedAt + this.#job.warmUp) this.#tally.measured(performance.now() - client.dueAt);
    this.#free.push(client);
    this.#sendDue();
    if (this.#answered === this.#total) this.#done.resolve();
  }

  #sendDue(): void {
    clearTimeout(this.#timer);
    while (this.#sent < this.#total) {
      const dueAt = this.#startedAt + (this.#sent * 1000) / this.#perSecond;
      const early = dueAt - performance.now();
      if (early > 0) {
        this.#timer = setTimeout(() => this.#sendDue(), early);
        return;
      }
      const client = this.#free.pop();
      // The next answer sends it.
      if (client === undefined) return;
      client.dueAt = dueAt;
      this.#sent += 1;
      client.connection.send(client.next());
    }
  }
}
