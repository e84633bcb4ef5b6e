import type { BatchOutcome, MessageBatch } from '@catalogue/kafka';
import type { Sql } from '@catalogue/postgres';
import type { Logger } from '@catalogue/service';
import type { WorkerMetrics } from '../metrics.ts';
import { type OffsetScope, readOffset } from '../offsets.ts';
import type { PatientDatabase } from '../retry.ts';
import { type Applied, applyBatch, NotOwnerError } from './batch.ts';
import { type Read, read } from './fold.ts';

export interface ProjectorOptions {
  sql: Sql;
  database: PatientDatabase;
  log: Logger;
  metrics: WorkerMetrics;
}

/** Applies batches of messages to one generation of the read model, and tells what became of them. */
export class Projector {
  readonly #options: ProjectorOptions;

  constructor(options: ProjectorOptions) {
    this.#options = options;
  }

  /** Applies a batch once, however often the database has to be asked. */
  async apply(scope: OffsetScope, batch: MessageBatch): Promise<BatchOutcome> {
    const { sql, database, log, metrics } = this.#options;
    const messages = read(batch.messages);
    const end = metrics.duration.startTimer();
    try {
      const applied = await database.try(batch.signal, () => applyBatch(sql, scope, batch, messages));
      end();
      this.#tell(scope, batch.partition, messages, applied);
      const { blocked } = applied.folded;
      if (blocked === undefined) return { next: applied.next };
      return {
        next: applied.next,
        stop: `${scope.topic}[${batch.partition}] at offset ${applied.next}: ${blocked.detail}`,
      };
    } catch (error) {
      if (!(error instanceof NotOwnerError)) throw error;
      metrics.fenced.inc();
      const next = await database.try(batch.signal, () => readOffset(sql, scope, batch.partition));
      log.info(
        { ...scope, partition: batch.partition, expected: batch.expected, next },
        'Another worker moved the offset',
      );
      if (next === undefined)
        return { next: batch.expected, stop: `The offset of ${scope.topic}[${batch.partition}] is gone` };
      return { next };
    }
  }

  #tell({ topic }: OffsetScope, partition: number, messages: readonly Read[], { folded }: Applied): void {
    const { metrics, log } = this.#options;
    metrics.batchSize.observe(messages.length);
    const counts = new Map<string, { type: string; outcome: string; count: number }>();
    for (const [index, outcome] of folded.fates.entries()) {
      const message = messages[index] as Read;
      if ('reason' in message) {
        log.warn(
          { topic, partition, offset: message.offset, reason: message.reason },
          'Message skipped: it cannot be read',
        );
      }
      const type = typeOf(message);
      const known = counts.get(`${type} ${outcome}`);
      if (known === undefined) counts.set(`${type} ${outcome}`, { type, outcome, count: 1 });
      else known.count++;
    }
    for (const { count, ...labels } of counts.values()) metrics.events.inc(labels, count);
  }
}

/** Types come from outside: only those that are known become labels. */
function typeOf(message: Read): string {
  if (!('productId' in message)) return 'none';
  const { kind, event } = message.decoded;
  if (kind === 'event') return event.type;
  return kind === 'legacy' ? 'legacy' : 'other';
}
