import { randomBytes } from 'node:crypto';
import { jsonCodec } from '@catalogue/contracts';
import type { OutgoingMessage } from '@catalogue/kafka';
import type { Sql, Transaction } from '@catalogue/postgres';
import { createLogger, createMetrics } from '@catalogue/service';
import { createDatabase } from '@catalogue/testing';
import { expect, inject, onTestFinished, test, vi } from 'vitest';
import { counterModel, migrateCounters } from '../../test/counter.ts';
import { event, shown } from '../../test/fixture.ts';
import { readOffsets } from '../tables/offsets.ts';
import { TooMuchAtOnce } from '../too-much-at-once.ts';
import { workerMetrics } from './batch-metrics.ts';
import { BatchRunner } from './batch-runner.ts';
import { SharedTransactions } from './shared-transactions.ts';
import { PatientDatabase } from './retry.ts';
import { SchemaWait } from './schema-wait.ts';
import { Semaphore } from './semaphore.ts';

const { readDb } = inject('servers');
const scope = { generation: 1, topic: 'events', topicId: 'a' };

/** Applies messages as the next ones of a partition. */
function openRunner(sql: Sql, model: typeof counterModel) {
  const log = createLogger('test', 'silent');
  const runner = new BatchRunner({
    model,
    sql,
    database: new PatientDatabase(log, () => {}),
    log,
    metrics: workerMetrics(createMetrics('test')),
    codec: jsonCodec,
    schemas: new SchemaWait(jsonCodec, log),
    limit: () => undefined,
    alone: new Semaphore(1),
  });
  const { signal } = new AbortController();
  const progress = { moved() {}, queued() {} };
  let expected = 0;
  return async (messages: readonly OutgoingMessage[]) => {
    const next = expected + messages.length;
    const incoming = messages.map(({ key, value }, index) => ({
      partition: 0,
      offset: expected + index,
      key,
      value,
      headers: [],
    }));
    const outcome = await runner.apply(scope, { partition: 0, expected, next, messages: incoming, signal, progress });
    expected = next;
    return outcome;
  };
}

const small = {
  ...counterModel,
  lock: async (tx: Transaction, generation: number, ids: readonly string[]) => {
    if (ids.length > 2) throw new TooMuchAtOnce(`${ids.length} products`);
    return await counterModel.lock(tx, generation, ids);
  },
};
// Too long for an index.
const refused = event('long', 1, { payload: { id: randomBytes(4_000).toString('hex'), name: 'Mouse', price: 1 } });

test.each([
  ['with a value that PostgreSQL refuses', counterModel, [refused]],
  ['with too many products for the memory of the model', small, []],
])('the parts of a batch %s share no transaction with other partitions', async (_, model, others) => {
  await using db = await createDatabase(readDb, migrateCounters);
  await readOffsets(db.sql, scope, 1);
  const shared = vi.spyOn(SharedTransactions.prototype, 'apply');
  onTestFinished(() => shared.mockRestore());
  const apply = openRunner(db.sql, model);
  // The first batch of a process is applied alone.
  await apply([event('first', 1)]);
  const ids = ['a', 'b', 'c', 'd', 'e'];
  await apply([...ids.map((id) => event(id, 1)), ...others]);
  expect(await shown(db)).toEqual(Object.fromEntries([...ids, 'first'].map((id) => [id, 1])));
  expect(shared.mock.calls.map(([{ part }]) => part.messages.length)).toEqual([ids.length + others.length]);
});
