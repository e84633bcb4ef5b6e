import { encodeToken } from '@catalogue/contracts';
import type { FastifyReply } from '@catalogue/service';
import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { requestedWait } from './tokens.ts';

const connection = (state: object = {}) =>
  Object.assign(new EventEmitter(), { destroyed: false, writableFinished: false, ...state });
const replyOn = (raw: EventEmitter) => ({ raw }) as unknown as FastifyReply;
const wait = (headers: object, query = {}) => requestedWait({ headers, query }, replyOn(connection()));

test('a request waits for the tokens of its header and of its query string', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((id) => ({ id, version: 7 }));
  const [ofA = '', ofB, ofC] = [a, b, c].map((token) => token && encodeToken(token));
  expect(wait({ 'consistency-token': `${ofA} , ${ofB}` }, { after: ofC }).tokens).toEqual([a, b, c]);
  expect(wait({}).tokens).toEqual([]);
});

test.each<[string | undefined, number]>([
  [undefined, 2_000],
  ['wait=0', 0],
  ['wait=5', 5_000],
  ['respond-async, wait="7"', 7_000],
  ['wait=3; foo', 3_000],
  ['wait=600', 10_000],
  ['wait=soon', 2_000],
  ['await=5', 2_000],
])('a request with Prefer: %s waits for %i ms', (prefer, ms) => {
  expect(wait({ prefer }).waitMs).toBe(ms);
});

test('a token that no command returned is refused, with its place', () => {
  const nul = encodeToken({ id: 'a\0', version: 1 });
  for (const token of ['x', nul]) {
    const fault = (pointer: string) => ({ type: 'invalid-request', faults: [expect.objectContaining({ pointer })] });
    expect(() => wait({ 'consistency-token': token })).toThrow(expect.objectContaining(fault('/consistency-token')));
    expect(() => wait({}, { after: token })).toThrow(expect.objectContaining(fault('/after')));
  }
});

test('a request with more than 20 tokens is refused', () => {
  const ten = Array(10)
    .fill(encodeToken({ id: 'a', version: 1 }))
    .join(',');
  expect(wait({ 'consistency-token': ten }, { after: ten }).tokens).toHaveLength(20);
  expect(() => wait({ 'consistency-token': ten }, { after: `${ten},${ten}` })).toThrow(/token is not valid/);
});

test('a wait ends when the client goes away before its answer is complete', () => {
  const raw = connection();
  const { gone } = requestedWait({ headers: {}, query: {} }, replyOn(raw));
  expect(gone()).toBe(gone());
  expect(gone().aborted).toBe(false);
  raw.emit('close');
  expect(gone().aborted).toBe(true);
  const of = (state: object) => requestedWait({ headers: {}, query: {} }, replyOn(connection(state))).gone().aborted;
  expect([of({ destroyed: true }), of({ destroyed: true, writableFinished: true })]).toEqual([true, false]);
});
