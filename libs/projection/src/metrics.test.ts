import { jsonCodec } from '@catalogue/contracts';
import type { PartitionState } from '@catalogue/kafka';
import { createLogger, createMetrics } from '@catalogue/service';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Generations } from './consume/generations.ts';
import { SchemaWait } from './consume/schema-wait.ts';
import { dependenciesOf, type Observed } from './health.ts';
import { measureClock, measureGenerations, measureParked } from './metrics.ts';

const behind = (partition: number, next: number, lag: number | undefined): PartitionState => {
  return { partition, next, lag, held: 0, behindSince: undefined, progressAt: undefined, stopped: undefined };
};

function following(...partitions: PartitionState[]): Generations {
  const consumer = { partitions: () => partitions };
  const serving = { generation: 1, state: 'serving', consumer };
  return { serving, followed: [serving, { ...serving, generation: 2, state: 'filling' }] } as unknown as Generations;
}

async function progressOf(...partitions: PartitionState[]): Promise<string | undefined> {
  const registry = createMetrics('test');
  measureGenerations(registry, following(...partitions));
  return /^projection_rebuild_progress\{.*\} (.*)$/m.exec(await registry.metrics())?.[1];
}

test('the progress of a rebuild is not reported while the end of a partition is unknown', async () => {
  expect(await progressOf(behind(0, 30, 10), behind(1, 30, 50))).toBe('0.5');
  expect(await progressOf(behind(0, 30, 10), behind(1, 30, undefined))).toBeUndefined();
  expect(await progressOf()).toBeUndefined();
});

test('a worker that does not know its lag does not report 0', async () => {
  const schemas = new SchemaWait(jsonCodec, createLogger('test', 'silent'));
  const observed = { generations: following(behind(0, 1, undefined)), schemas };
  const { projection } = dependenciesOf(observed as Observed);
  expect(await projection?.()).toEqual({
    status: 'catching-up',
    detail: 'Generation 1: 1 partitions, it is not known how many events behind',
  });
});

test('the number of parked products is not reported while the read model does not answer', async () => {
  const registry = createMetrics('test');
  let answer = () => Promise.resolve([{ generation: 1, products: 2, events: 3 }]);
  measureParked(registry, (() => answer()) as never, createLogger('test', 'silent'));
  const told = async () => /^projection_parked_\w+\{.*/m.exec(await registry.metrics())?.[0];
  expect(await told()).toMatch(/ 2$/);
  answer = () => Promise.reject(new Error('away'));
  expect(await told()).toBeUndefined();
});

test('a worker whose clock is behind tells no negative lag, and how far its clock is off', async () => {
  const registry = createMetrics('test');
  const now = Date.now();
  const partition = { ...behind(0, 1, 1), behindSince: now };
  measureGenerations(registry, following(partition));
  measureClock(registry, (() => Promise.resolve([{ nowMs: now }])) as never, createLogger('test', 'silent'));
  vi.spyOn(Date, 'now').mockReturnValue(now - 3_600_000);
  onTestFinished(() => void vi.restoreAllMocks());
  const metrics = await registry.metrics();
  expect(/^projection_lag_seconds\{generation="1".*\} (.*)$/m.exec(metrics)?.[1]).toBe('0');
  expect(/^projection_clock_ahead_seconds\{.*\} (.*)$/m.exec(metrics)?.[1]).toBe('-3600');
});
