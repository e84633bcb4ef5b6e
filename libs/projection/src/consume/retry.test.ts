import { createLogger } from '@catalogue/service';
import { expect, test, vi } from 'vitest';
import { PatientDatabase } from './retry.ts';

const full = Object.assign(new Error('could not extend file: No space left on device'), { code: '53100' });
const { signal } = new AbortController();

function open() {
  const log = createLogger('test', 'silent');
  const lines: string[] = [];
  vi.spyOn(log, 'warn').mockImplementation((_, text) => void lines.push(text ?? ''));
  vi.spyOn(log, 'info').mockImplementation(((text: string) => void lines.push(text)) as never);
  let retries = 0;
  const database = new PatientDatabase(log, () => retries++);
  return { database, lines, retries: () => retries };
}

test('a database that fails part of the work counts as down, and is logged once, until all work succeeds', async () => {
  const { database, lines, retries } = open();
  let isFull = true;
  const write = () => (isFull ? Promise.reject(full) : Promise.resolve('written'));
  const writing = [database.try(signal, write), database.try(signal, write)];
  const read = () => new Promise((resolve) => setImmediate(() => resolve('read')));
  while (retries() < 6) expect(await database.try(signal, read)).toBe('read');
  expect(database.away).toBe('53100');
  expect(lines).toEqual(['The read database failed; retrying until it works']);
  isFull = false;
  expect(await Promise.all(writing)).toEqual(['written', 'written']);
  expect(database.away).toBeUndefined();
  expect(lines).toEqual(['The read database failed; retrying until it works', 'The read database works again']);
});

test('work that was given up ends its wait and does not count as success', async () => {
  const { database, lines, retries } = open();
  const partition = new AbortController();
  const writing = database.try(partition.signal, () => Promise.reject(full));
  await vi.waitUntil(() => retries() > 0);
  partition.abort();
  await expect(writing).rejects.toThrow(/abort/i);
  expect(database.away).toBeUndefined();
  expect(lines).toEqual(['The read database failed; retrying until it works']);
});

test('work that fails after it was given up says nothing about the database', async () => {
  const { database, lines, retries } = open();
  const partition = new AbortController();
  const { promise, reject } = Promise.withResolvers<never>();
  const writing = database.try(partition.signal, () => promise);
  partition.abort();
  reject(Object.assign(new Error('write CONNECTION_DESTROYED'), { code: 'CONNECTION_DESTROYED' }));
  await expect(writing).rejects.toThrow(/abort/i);
  expect([lines, retries(), database.away]).toEqual([[], 0, undefined]);
});

test('a permanent error is thrown at once', async () => {
  const { database, retries } = open();
  const broken = Object.assign(new Error('relation "products" does not exist'), { code: '42P01' });
  await expect(database.try(signal, () => Promise.reject(broken))).rejects.toBe(broken);
  expect([retries(), database.away]).toEqual([0, undefined]);
});

test('a lock held by another session is not an outage, and is logged once when it lasts', async () => {
  const { database, lines } = open();
  const locked = Object.assign(new Error('canceling statement due to lock timeout'), { code: '55P03' });
  const answers: unknown[] = [locked, full, ...Array.from({ length: 6 }, () => locked), 'written'];
  const seen: (string | undefined)[] = [];
  const write = () => {
    seen.push(database.away);
    const answer = answers.shift();
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  const writing = database.try(signal, write);
  expect(await writing).toBe('written');
  // Away only while the disk was full.
  expect(seen.map((away) => away ?? '')).toEqual(['', '', '53100', ...Array.from({ length: 6 }, () => '')]);
  expect(lines).toEqual([
    'The read database failed; retrying until it works',
    'The read database works again',
    'Another session holds a lock; waiting until it is released',
  ]);
  expect(database.away).toBeUndefined();
});
