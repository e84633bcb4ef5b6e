import { expect, onTestFinished, test, vi } from 'vitest';
import { RowLoader } from './row-loader.ts';

const never = () => new Promise<never>(() => {});

test('one statement reads all ids of one turn, each once', async () => {
  const asked: string[][] = [];
  const from = { generation: 1, seq: 2, mark: 3 };
  const loader = new RowLoader((ids) => {
    asked.push(ids);
    return Promise.resolve({ rows: ids.filter((id) => id !== 'gone').map((id) => ({ id })), from });
  });
  const found = await Promise.all(['a', 'b', 'a', 'gone'].map((id) => loader.find(id)));
  expect(found).toEqual([{ id: 'a' }, { id: 'b' }, { id: 'a' }, undefined].map((row) => ({ row, from })));
  expect(asked).toEqual([['a', 'b', 'gone']]);
});

test('too many callers of a silent database are refused at once, the others after five seconds', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const loader = new RowLoader<{ id: string }>(never);
  const waiting = Promise.allSettled(Array.from({ length: 5_000 }, (_, n) => loader.find(String(n))));
  await expect(loader.find('one more')).rejects.toMatchObject({ type: 'overloaded', headers: { 'retry-after': '1' } });
  vi.advanceTimersByTime(5_000);
  const reasons = (await waiting).map(
    (settled) => settled.status === 'rejected' && (settled.reason as { type: string }).type,
  );
  expect(new Set(reasons)).toEqual(new Set(['unavailable']));
});
