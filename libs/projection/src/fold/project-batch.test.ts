import { jsonCodec } from '@catalogue/contracts';
import { expect, test } from 'vitest';
import { type Counter, counterModel } from '../../test/counter.ts';
import { event, message } from '../../test/fixture.ts';
import { read } from './message.ts';
import { projectBatch } from './project-batch.ts';

const known = { products: new Map<string, Counter>(), queues: new Map(), discards: new Map() };
const messages = (...sent: { key: string | Buffer; value: Buffer }[]) =>
  read(
    sent.map(({ key, value }, offset) => ({ partition: 0, offset, key: String(key), value })),
    jsonCodec,
  );

test('a model without a merge of legacy messages counts them as unknown and keeps no row', () => {
  const legacy = { id: 'e', type: 'ProductCreated', payload: { id: 'mouse', name: 'Mouse', price: 1 } };
  const { fates, rows, steps } = projectBatch(
    counterModel,
    known,
    messages(message('e', { ...legacy, timestamp: '2026-11-23T10:00:00Z' })),
  );
  expect({ fates, rows, steps }).toEqual({ fates: ['unknown'], rows: [], steps: [] });
});

test('a model learns of each discarded event, and of discarded events that no message has', () => {
  const model = { ...counterModel, skipped: (row: Counter) => ({ ...row, events: row.events + 100 }) };
  const single = { version: 2, eventId: '' };
  const several = { version: 4, last: 5, eventId: '' };
  const discards = new Map([['mouse', [single, several]]]);
  const sent = messages(event('mouse', 1), event('mouse', 2), event('mouse', 3), event('mouse', 6));
  const { fates, rows } = projectBatch(model, { ...known, discards }, sent);
  expect(fates).toEqual(['applied', 'skipped', 'applied', 'applied']);
  expect(rows).toMatchObject([{ after: { version: 6, events: 203 } }]);
});

test('a row is written once, with every step that led to it in order', () => {
  const { rows, steps } = projectBatch(counterModel, known, messages(event('mouse', 1), event('mouse', 2)));
  const last = { id: 'mouse', version: 2, eventId: 'mouse 2', parked: false, events: 2 };
  expect(rows).toEqual([{ before: undefined, after: last }]);
  expect(steps.map(({ before, after }) => [before.events, after.events])).toEqual([
    [0, 1],
    [1, 2],
  ]);
});
