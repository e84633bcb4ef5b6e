import { expect, test, vi } from 'vitest';
import { codes, KafkaError } from './errors.ts';
import { firstMessages } from './first-messages.ts';
import type { NativeConsumer } from './native-consumer.ts';
import { UnseenEnds } from './unseen-ends.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };

vi.mock(import('./first-messages.ts'));

test('a partition whose leader is away keeps no other from passing the markers at its end', async () => {
  const ends = async (_options: unknown, _topic: string, offsets: ReadonlyMap<number, number>) =>
    new Map([...offsets.keys()].map((partition) => [partition, { offset: 9, sentAt: undefined }]));
  vi.mocked(firstMessages).mockImplementation(ends);
  const native = {
    knownEnd: () => 9,
    bounds: async (partition: number) => {
      if (partition === 0) throw new KafkaError('No answer', { code: codes.ERR__TIMED_OUT });
      return { first: 0, end: 9 };
    },
  };
  const passed: number[][] = [];
  const feeds = [0, 1].map((partition) => ({
    partition,
    next: 8,
    pending: false,
    stopped: undefined,
    passOver: (from: number, to: number) => passed.push([partition, from, to]),
  }));
  const options = { brokers: '127.0.0.1:1', clientId: 'test', log, topic: 't' };
  const unseen = new UnseenEnds(options, native as unknown as NativeConsumer, () => feeds);
  await unseen.pass();
  await unseen.pass();
  expect(passed).toEqual([[1, 8, 9]]);
});
