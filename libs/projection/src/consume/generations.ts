import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Consumer } from '@catalogue/kafka';
import type { Sql } from '@catalogue/postgres';
import type { Generation } from '@catalogue/projection-schema';
import type { Logger } from '@catalogue/service';
import type { PatientDatabase } from './retry.ts';

/** A generation that is kept up to date, with its consumer. */
export interface FollowedGeneration {
  generation: number;
  state: Generation['state'];
  consumer: Consumer;
}

interface Running extends FollowedGeneration {
  stop: AbortController;
  ended: Promise<void>;
}

export interface GenerationsOptions {
  sql: Sql;
  database: PatientDatabase;
  log: Logger;
  open: (generation: number) => Consumer;
}

/** Milliseconds between two reads of the table. */
const lookIntervalMs = 1000;

/** Runs a consumer for each generation that is not dropped. Changes in the table are noticed within a second. */
export class Generations {
  readonly #options: GenerationsOptions;
  readonly #running = new Map<number, Running>();
  readonly #fault = Promise.withResolvers<never>();

  constructor(options: GenerationsOptions) {
    this.#options = options;
  }

  /** The generations that are followed now. */
  get followed(): FollowedGeneration[] {
    return [...this.#running.values()].filter(({ stop }) => !stop.signal.aborted);
  }

  /** The generation that readers see; undefined until it is known. */
  get serving(): FollowedGeneration | undefined {
    return this.followed.find(({ state }) => state === 'serving');
  }

  stateOf(generation: number): Generation['state'] | undefined {
    return this.#running.get(generation)?.state;
  }

  /**
   * Runs a consumer for each generation until `signal` is aborted, then ends them all within 10 s. While the database is down,
   * the known ones continue. Rejects when the serving generation's consumer does; other consumers are opened again.
   */
  async run(signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const looking = this.#look(AbortSignal.any([signal, over.signal]));
    try {
      // A frozen database never answers, so stopping does not wait for a read of the table.
      await Promise.race([looking, this.#fault.promise, once(signal, 'abort')]);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      over.abort();
      for (const { stop } of this.#running.values()) stop.abort();
      await Promise.all([...this.#running.values()].map(({ ended }) => ended));
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { sql, database } = this.#options;
    while (!signal.aborted) {
      const found = await database.try(signal, () => readGenerations(sql));
      if (!signal.aborted) this.#follow(found);
      await delay(lookIntervalMs, undefined, { signal });
    }
  }

  #follow(found: readonly Pick<Generation, 'generation' | 'state'>[]): void {
    for (const { generation, state } of found) {
      const known = this.#running.get(generation);
      if (known === undefined) this.#start(generation, state);
      else this.#turned(known, state);
    }
    const kept = new Set(found.map(({ generation }) => generation));
    for (const { generation, stop } of this.followed as Running[]) {
      if (kept.has(generation)) continue;
      this.#options.log.info({ generation }, 'The generation was dropped');
      stop.abort();
    }
  }

  #turned(known: Running, state: Generation['state']): void {
    if (known.state === state) return;
    const { generation, state: before } = known;
    this.#options.log.info({ generation, before, state }, 'The state of the generation has changed');
    known.state = state;
  }

  #start(generation: number, state: Generation['state']): void {
    const { log, open } = this.#options;
    log.info({ generation, state }, 'Following a generation of the read model');
    const consumer = open(generation);
    const stop = new AbortController();
    const running: Running = { generation, state, consumer, stop, ended: Promise.resolve() };
    this.#running.set(generation, running);
    running.ended = consumer
      .run(stop.signal)
      .catch((error: unknown) => this.#failed(running, error))
      // The next read opens it again, unless the generation was dropped.
      .finally(() => this.#running.delete(generation));
  }

  #failed({ generation, state, stop }: Running, error: unknown): void {
    if (state === 'serving' && !stop.signal.aborted) this.#fault.reject(error);
    else this.#options.log.error({ err: error, generation, state }, 'The consumer of a generation failed');
  }
}

async function readGenerations(sql: Sql): Promise<Pick<Generation, 'generation' | 'state'>[]> {
  return await sql<Pick<Generation, 'generation' | 'state'>[]>`
    select generation, state from generations where state <> 'dropped' order by generation`;
}
