import type { Codec } from '@catalogue/contracts';
import type { BatchOutcome, MessageBatch } from '@catalogue/kafka';
import { hinter, isRefusedValue, isStatementTimeout } from '@catalogue/postgres';
import { changesAppended } from '@catalogue/projection-schema';
import type { Logger } from '@catalogue/service';
import { type Read, read, unstorable } from '../fold/message.ts';
import type { Model, Tracked } from '../model.ts';
import type { Folded } from '../fold/outcome.ts';
import { crashesBeforeParking, crashesBeforeSingly, readAttempts } from '../tables/crash-counts.ts';
import { type OffsetScope, readOffset } from '../tables/offsets.ts';
import { maxReleased } from '../tables/parked-messages.ts';
import { TooMuchAtOnce } from '../too-much-at-once.ts';
import { applyBatch, NotOwnerError } from './apply-batch.ts';
import type { WorkerMetrics } from './batch-metrics.ts';
import { GapWatch } from './gap-watch.ts';
import { SharedTransactions } from './shared-transactions.ts';
import { TopicFault } from './topic-fault.ts';
import type { SchemaWait } from './schema-wait.ts';
import { Tries, type TriesOptions } from './retry.ts';

export interface BatchRunnerOptions extends TriesOptions {
  model: Model;
  log: Logger;
  metrics: WorkerMetrics;
  codec: Codec;
  schemas: SchemaWait;
}

// Milliseconds between two notifications of new changes: under load they come in threes and fours.
const minHintIntervalMs = 10;

/** What the runner remembers of a partition. */
interface Memory {
  gaps: GapWatch;
  /** This process has finished a batch of the partition. */
  proven: boolean;
}

/** A batch, or a part of one, that is applied in one transaction. */
interface Step extends Pick<MessageBatch, 'partition' | 'expected' | 'next' | 'progress'> {
  attempts?: number;
  /** The most messages of one transaction: more took too long. */
  most?: number;
  /** The most parked messages that one transaction releases: more took too long. Kept for all tries of the batch. */
  releasing: { most: number };
  /** Whether it may share a transaction with parts of other partitions. */
  isGrouped?: boolean;
  /** Retries work until it succeeds; within work that is retried itself, runs it once. */
  try: <T>(work: (failures: number) => Promise<T>) => Promise<T>;
}

const once =
  (failures: number): Step['try'] =>
  (work) =>
    work(failures);

const startReleasing = (): Step['releasing'] => ({ most: maxReleased });

/** Applies batches of messages to the read model, and reports their outcomes to log and metrics. */
export class BatchRunner {
  readonly #options: BatchRunnerOptions;
  readonly #memories = new Map<string, Memory>();
  readonly #tries: Tries;
  readonly #shared = new Map<string, SharedTransactions>();
  readonly #hint: (generation: string) => void;

  constructor(options: BatchRunnerOptions) {
    this.#options = options;
    this.#tries = new Tries(options);
    this.#hint = hinter(options.sql, changesAppended, minHintIntervalMs);
  }

  /** Applies a batch once, however often the database has to be tried. */
  async apply(scope: OffsetScope, batch: MessageBatch): Promise<BatchOutcome> {
    const { partition } = batch;
    if (this.#options.schemas.isNeeded) await this.#options.schemas.until(batch);
    const memory = this.#memoryOf(scope, partition);
    const end = this.#options.metrics.duration.startTimer();
    try {
      const hasMessages = batch.messages.length > 0;
      if (memory.proven || !hasMessages) await this.#applyAll(scope, batch, memory);
      else await this.#applyFirst(scope, batch, memory);
      memory.proven ||= hasMessages;
      end();
      return { next: batch.next };
    } catch (error) {
      if (error instanceof NotOwnerError) return await this.#follow(scope, batch);
      if (!(error instanceof TopicFault)) throw error;
      const { next, message } = error;
      return { next, stop: `${scope.topic}[${partition}] after offset ${next}: ${message}` };
    }
  }

  async #applyAll(scope: OffsetScope, batch: MessageBatch, memory: Memory): Promise<void> {
    const inTurn: Step['try'] = (work) => this.#tries.inTurn(batch, work);
    // The first batch of a partition is counted, and may end the process: it involves no other partition.
    const step = { ...batch, isGrouped: memory.proven, releasing: startReleasing(), try: inTurn };
    await this.#applyRead(scope, step, this.#read(batch.messages), memory);
  }

  /**
   * Counts the attempt at the first batch of a partition in this process. If two earlier attempts crashed the process,
   * applies the messages one at a time; parks a message unread if an attempt at it alone has crashed the process. A
   * process that stops, or fails in another way, takes the count back, so that a deploy or an outage blames no message.
   */
  async #applyFirst(scope: OffsetScope, batch: MessageBatch, memory: Memory): Promise<void> {
    const { sql, log } = this.#options;
    const { partition, expected } = batch;
    const attempts = await this.#tries.anyTime(batch, () => readAttempts(sql, scope, batch));
    if (attempts < crashesBeforeSingly) {
      const anyTime: Step['try'] = (work) => this.#tries.anyTime(batch, work);
      const step = { ...batch, try: anyTime };
      await this.#tries.counted(scope, step, attempts, () => this.#applyAll(scope, batch, memory));
      return;
    }
    log.warn(
      { ...scope, partition, offset: expected, attempts },
      'Earlier attempts at this batch ended with the process; applying one message at a time',
    );
    await this.#applyOneByOne(scope, batch, attempts, memory);
  }

  /**
   * Applies one message at a time in the whole process: otherwise a crash would also count for a message of another
   * partition. A failed try takes its count back before other work gets its turn.
   */
  async #applyOneByOne(scope: OffsetScope, batch: MessageBatch, attempts: number, memory: Memory): Promise<void> {
    const { messages, signal } = batch;
    let { expected } = batch;
    let before = attempts;
    const releasing = startReleasing();
    for (const message of messages) {
      signal.throwIfAborted();
      const isLast = message === messages.at(-1);
      const next = isLast ? batch.next : message.offset + 1;
      await this.#tries.alone(batch, async (failures) => {
        const count = isLast ? 0 : crashesBeforeSingly;
        const one = { ...batch, expected, next, attempts: count, releasing, try: once(failures) };
        await this.#tries.counted(scope, one, before, async () => {
          const reads = before >= crashesBeforeParking ? [crashed(message, before)] : this.#read([message]);
          await this.#applyRead(scope, one, reads, memory);
        });
      });
      expected = next;
      before = crashesBeforeSingly;
    }
  }

  #read(messages: MessageBatch['messages']): Read[] {
    return read(messages, this.#options.codec);
  }

  /** Finds messages that PostgreSQL cannot store, such as a name too long for an index, by halving; parks them. */
  async #applyRead(scope: OffsetScope, batch: Step, messages: readonly Read[], memory: Memory): Promise<void> {
    let most: number;
    try {
      most = await this.#applyOnce(scope, batch, messages, memory);
    } catch (error) {
      if (!isRefusedValue(error)) throw error;
      const half = Math.floor(messages.length / 2);
      if (half > 0) {
        const first = { ...batch, next: endOf(messages, half), isGrouped: false };
        await this.#applyRead(scope, first, messages.slice(0, half), memory);
        await this.#applyRest(scope, batch, messages, half, memory);
        return;
      }
      const [only] = messages;
      if (only === undefined || 'unread' in only) throw error;
      await this.#applyOnce(scope, { ...batch, isGrouped: false }, [unstorable(only.origin, error as Error)], memory);
      return;
    }
    if (most < messages.length) await this.#applyRest(scope, { ...batch, most }, messages, most, memory);
  }

  async #applyRest(scope: OffsetScope, batch: Step, messages: readonly Read[], from: number, memory: Memory) {
    const rest = { ...batch, expected: endOf(messages, from), isGrouped: false };
    await this.#applyRead(scope, rest, messages.slice(from), memory);
  }

  /**
   * Applies messages in one transaction: all, or the first `most`. Halves them if their products do not fit into memory
   * together. Also halves them, and the messages that they may release, if a statement takes too long. After an error,
   * the transaction is not shared with other partitions any more.
   * @returns how many messages were applied.
   */
  async #applyOnce(scope: OffsetScope, batch: Step, messages: readonly Read[], memory: Memory): Promise<number> {
    const { sql, model } = this.#options;
    const { progress, releasing, most = messages.length } = batch;
    let isGrouped = batch.isGrouped === true;
    const onAnswer = () => progress.moved();
    let part = messages.slice(0, most);
    let met: ReadonlyMap<string, boolean> = new Map();
    const accept = (folded: Folded<Tracked>) => {
      onAnswer();
      met = productsMet(part, folded);
      if (memory.gaps.isTooMany(met)) throw tooManyGaps(batch.expected, folded);
    };
    const nextOf = () => (part.length < messages.length ? endOf(messages, part.length) : batch.next);
    const folded = await batch.try(async (failures) => {
      for (;;) {
        try {
          const ready = { ...batch, next: nextOf(), messages: part };
          const options = { isRetry: failures > 0, maxReleased: releasing.most, onAnswer, accept };
          if (isGrouped) return await this.#sharedOf(scope).apply({ part: ready, options });
          return await applyBatch(sql, model, scope, [ready], options);
        } catch (error) {
          isGrouped = false;
          const isTooMuch = error instanceof TooMuchAtOnce;
          if (isTooMuch || isStatementTimeout(error)) part = part.slice(0, Math.ceil(part.length / 2));
          if (isTooMuch) continue;
          if (isStatementTimeout(error)) releasing.most = Math.ceil(releasing.most / 2);
          throw error;
        }
      }
    });
    progress.moved(nextOf());
    if (folded.steps.length > 0) this.#hint(String(scope.generation));
    memory.gaps.add(met);
    this.#tell(scope, part, folded);
    return part.length;
  }

  /** Continues at the offset to which another worker moved the partition. */
  async #follow(scope: OffsetScope, batch: MessageBatch): Promise<BatchOutcome> {
    const { sql, log, metrics } = this.#options;
    const { partition, expected } = batch;
    metrics.fenced.inc();
    const next = await this.#tries.anyTime(batch, () => readOffset(sql, scope, partition));
    log.info({ ...scope, partition, expected, next }, 'Another worker moved the offset');
    if (next === undefined) return { next: expected, stop: `The offset of ${scope.topic}[${partition}] is gone` };
    return { next };
  }

  #sharedOf(scope: OffsetScope): SharedTransactions {
    const { sql, model } = this.#options;
    const name = `${scope.generation} ${scope.topicId}`;
    const known = this.#shared.get(name);
    if (known !== undefined) return known;
    const shared = new SharedTransactions((parts, options) => applyBatch(sql, model, scope, parts, options));
    this.#shared.set(name, shared);
    return shared;
  }

  #memoryOf({ generation, topicId }: OffsetScope, partition: number): Memory {
    const name = `${generation} ${topicId} ${partition}`;
    const known = this.#memories.get(name) ?? { gaps: new GapWatch(), proven: false };
    this.#memories.set(name, known);
    return known;
  }

  #tell(
    { generation, topic }: OffsetScope,
    messages: readonly Read[],
    { fates, parked, released }: Folded<Tracked>,
  ): void {
    const { metrics, log } = this.#options;
    if (messages.length > 0) metrics.batchSize.observe(messages.length);
    const counts = new Map<string, { type: string; outcome: string; count: number }>();
    for (const [index, outcome] of fates.entries()) {
      const type = typeOf(messages[index] as Read);
      const known = counts.get(`${type} ${outcome}`);
      if (known === undefined) counts.set(`${type} ${outcome}`, { type, outcome, count: 1 });
      else known.count++;
    }
    for (const { count, ...labels } of counts.values()) metrics.events.inc(labels, count);
    for (const { value: _, ...event } of parked) log.warn({ generation, topic, ...event }, 'Parked');
    for (const { value: _, ...event } of released) log.info({ generation, topic, ...event }, 'Released');
  }
}

/** The offset after the first `count` messages. */
function endOf(messages: readonly Read[], count: number): number {
  return (messages[count - 1] as Read).origin.offset + 1;
}

function crashed(origin: MessageBatch['messages'][number], attempts: number): Read {
  const detail = `The worker has crashed ${attempts} times at this message, so it is parked without being read`;
  return { origin, unread: { reason: 'crash', detail } };
}

/** The products of a batch, each with whether it misses events. */
function productsMet(messages: readonly Read[], { parked }: Folded<Tracked>): Map<string, boolean> {
  const met = new Map(messages.flatMap((message) => ('productId' in message ? [[message.productId, false]] : [])));
  for (const { reason, productId } of parked) if (reason === 'gap') met.set(productId, true);
  return met;
}

function tooManyGaps(next: number, { parked }: Folded<Tracked>): TopicFault {
  const first = parked.find(({ reason }) => reason === 'gap');
  return new TopicFault(
    next,
    'More than 5 % of the last 1 000 products miss events, so the topic is at fault: was it restored in part? ' +
      `Have the relay send the log again (republish) and start the worker again. The first: ${first?.detail}`,
  );
}

/** Types come from outside, so only known ones become labels. */
function typeOf(message: Read): string {
  if (!('productId' in message)) return 'none';
  const { kind, event } = message.decoded;
  if (kind === 'event') return event.type;
  return kind === 'legacy' ? 'legacy' : 'other';
}
