import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, inject, onTestFinished, test, vi } from 'vitest';
import { createTopic, message, openTestProducer, silent } from '../test/topic.ts';
import { openAdmin } from './admin.ts';
import { openConsumer } from './consumer.ts';
import { codes, KafkaError } from './errors.ts';
import type { ConsumerOptions } from './membership.ts';
import { NativeConsumer } from './native-consumer.ts';
import type { ApplyBatch, MessageBatch } from './partition-feed.ts';
import type { StartingPoint } from './starting-point.ts';
import { openTransactionalProducer } from './transactional-producer.ts';

const brokers = inject('servers').kafka;
const patient = { timeout: 60_000, interval: 10 };

/** Stores offsets and messages like a database with a fence: only a batch that begins at the stored offset is stored. */
class Store {
  readonly next = new Map<number, number>();
  readonly values: string[] = [];
  refused = 0;

  offsets = async (partitions: number[]): Promise<Map<number, StartingPoint>> =>
    new Map(partitions.map((partition) => [partition, { next: this.next.get(partition) ?? 0 }]));

  apply: ApplyBatch = async ({ partition, expected, next, messages }) => {
    if ((this.next.get(partition) ?? 0) !== expected) {
      this.refused++;
      return { next: this.next.get(partition) ?? 0 };
    }
    this.next.set(partition, next);
    this.values.push(...messages.map(({ value }) => String(value)));
    return { next };
  };
}

type Handlers = Partial<Pick<ConsumerOptions, 'apply' | 'brokers' | 'offsets' | 'stalledAfterMs'>>;

/** A consumer that runs until it is disposed of. */
function start(topic: string, { offsets, apply }: Store, handlers: Handlers = {}) {
  const stop = new AbortController();
  const options = { brokers, topic, groupId: topic, clientId: 'test', log: silent, offsets, apply, ...handlers };
  const consumer = openConsumer(options);
  const running = consumer.run(stop.signal);
  const end = async () => {
    stop.abort();
    await running;
  };
  return { consumer, running, end, has: () => consumer.partitions().length, [Symbol.asyncDispose]: end };
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);
const keyed = (from: number, to: number) => numbers(from, to).map((number) => message(`key ${number % 50}`, number));

test('consumers that join and leave apply every message once, each key’s in order', async () => {
  await using topic = await createTopic(brokers);
  await using producer = openTestProducer(brokers);
  const store = new Store();
  const total = 30_000;
  const load = (async () => {
    for (let from = 0; from < total; from += 500) await producer.send(topic.name, keyed(from, from + 500));
  })();
  await using first = start(topic.name, store);
  await vi.waitFor(() => expect(first.has()).toBe(6), patient);
  for (let round = 0; round < 2; round++) {
    await using second = start(topic.name, store);
    await vi.waitFor(() => expect([first.has(), second.has()]).toEqual([3, 3]), patient);
    await using third = start(topic.name, store);
    await vi.waitFor(() => expect([first.has(), second.has(), third.has()]).toEqual([2, 2, 2]), patient);
  }
  await load;
  await vi.waitFor(() => expect(store.values).toHaveLength(total), patient);
  expect(new Set(store.values).size).toBe(total);
  const last = new Map<number, number>();
  for (const value of store.values.map(Number)) {
    expect(value).toBeGreaterThan(last.get(value % 50) ?? -1);
    last.set(value % 50, value);
  }
});

test('a consumer continues at the offset that another owner stored, backward or forward', async () => {
  await using topic = await createTopic(brokers, 1);
  await using producer = openTestProducer(brokers);
  const store = new Store();
  await using _consumer = start(topic.name, store);
  await producer.send(topic.name, keyed(0, 100));
  await vi.waitFor(() => expect(store.values).toHaveLength(100), patient);
  store.next.set(0, 40);
  await producer.send(topic.name, keyed(100, 101));
  await vi.waitFor(() => expect(store.values.slice(100).map(Number)).toEqual(numbers(40, 101)), patient);
  expect(store.refused).toBe(1);
});

test('in a long backlog, a consumer reads all its partitions alike', async () => {
  await using topic = await createTopic(brokers);
  await using producer = openTestProducer(brokers);
  const store = new Store();
  // Several times what is read ahead, of each partition.
  const backlog = numbers(0, 12_000).map((number) => message(`key ${number}`, randomBytes(3000).toString('base64')));
  const places = await producer.send(topic.name, backlog);
  const sizeOf = (partition: number) => places.filter((it) => 'partition' in it && it.partition === partition).length;
  const offsets = () => numbers(0, 6).map((partition) => store.next.get(partition) ?? 0);
  const progress: number[][] = [];
  const apply: ApplyBatch = async (batch) => {
    // Slower than messages arrive, so that the client's queue is full.
    await delay(20);
    const outcome = await store.apply(batch);
    progress.push(offsets());
    return outcome;
  };
  await using _consumer = start(topic.name, store, { apply });
  await vi.waitFor(() => expect(store.values).toHaveLength(backlog.length), patient);
  const untilOneIsRead = progress.filter((next) => next.every((offset, partition) => offset < sizeOf(partition)));
  expect(untilOneIsRead.length).toBeGreaterThan(20);
  for (const next of untilOneIsRead) expect(Math.min(...next)).toBeGreaterThan(Math.max(...next) / 2 - 400);
});

test.each([0, 3, 5])('a batch of another producer of 0.9 MB waits for no other partition (%i)', async (own) => {
  await using topic = await createTopic(brokers);
  await using producer = openTestProducer(brokers);
  const text = (bytes: number) => randomBytes((bytes * 3) / 4).toString('base64');
  // One batch of 0.9 MB.
  const other = await openTransactionalProducer({ brokers, clientId: 'test' }, topic.name, topic.name);
  await other.begin(numbers(0, 9).map(() => ({ partition: own, key: 'large', value: Buffer.from(text(100_000)) })));
  await other.commit();
  await other.close();
  const backlog = numbers(0, 12_000).map((number) => message(`key ${number}`, text(4000)));
  await producer.send(topic.name, backlog);
  const store = new Store();
  const others = () =>
    numbers(0, 6).flatMap((partition) => (partition === own ? [] : (store.next.get(partition) ?? 0)));
  let whenRead: number[] | undefined;
  const apply: ApplyBatch = async (batch) => {
    // Slower than messages arrive, so that the client's queue is full.
    await delay(20);
    const outcome = await store.apply(batch);
    if (batch.partition === own) whenRead ??= others();
    return outcome;
  };
  await using _consumer = start(topic.name, store, { apply });
  await vi.waitFor(() => expect(store.values).toHaveLength(12_009), patient);
  // Each has some 2 000.
  expect(Math.max(...(whenRead ?? []))).toBeLessThan(1000);
});

test('a batch that does not end delays no other partition, and its own continues after it', async () => {
  await using topic = await createTopic(brokers);
  await using producer = openTestProducer(brokers);
  const store = new Store();
  const [first] = await producer.send(topic.name, [message('key 1', 'first')]);
  const blocked = first !== undefined && 'partition' in first ? first.partition : -1;
  const free = Promise.withResolvers<void>();
  const apply: ApplyBatch = async (batch) => {
    if (batch.partition === blocked) await free.promise;
    return await store.apply(batch);
  };
  await using running = start(topic.name, store, { apply });
  // More than is ever queued, and sent before the messages of the other partitions.
  await producer.send(
    topic.name,
    numbers(0, 8_000).map((number) => message('key 1', number)),
  );
  await producer.send(topic.name, keyed(0, 3_000));
  const others = () => running.consumer.partitions().filter(({ partition }) => partition !== blocked);
  await vi.waitFor(() => expect(others().map(({ lag }) => lag)).toEqual([0, 0, 0, 0, 0]), patient);
  expect(running.consumer.partitions()[blocked]?.next).toBe(0);
  free.resolve();
  await vi.waitFor(() => expect(store.values).toHaveLength(11_001), patient);
  expect(store.refused).toBe(0);
  const ofBlocked = store.values.slice(-(store.next.get(blocked) ?? 0));
  expect(ofBlocked.slice(0, 8_001)).toEqual(['first', ...numbers(0, 8_000).map(String)]);
});

test('however many large batches do not end, the other partitions are read', async () => {
  await using topic = await createTopic(brokers);
  await using producer = openTestProducer(brokers);
  const store = new Store();
  const large = 'x'.repeat(2000);
  await producer.send(
    topic.name,
    numbers(0, 12_000).map((number) => message(`key ${number}`, large)),
  );
  const free = Promise.withResolvers<void>();
  const apply: ApplyBatch = async (batch) => {
    if (batch.partition !== 5) await free.promise;
    return await store.apply(batch);
  };
  await using running = start(topic.name, store, { apply });
  await vi.waitFor(() => expect(running.consumer.partitions()[5]?.lag).toBe(0), patient);
  expect([...store.next.keys()]).toEqual([5]);
  free.resolve();
  await vi.waitFor(() => expect(store.values).toHaveLength(12_000), patient);
});

test('a stopped partition stays stopped, and the others continue', async () => {
  await using topic = await createTopic(brokers);
  await using producer = openTestProducer(brokers);
  const store = new Store();
  const [poisoned] = await producer.send(topic.name, [message('key 1', 'poison')]);
  const partition = poisoned !== undefined && 'partition' in poisoned ? poisoned.partition : -1;
  const apply = vi.fn<ApplyBatch>(async (batch: MessageBatch) =>
    batch.partition === partition ? { next: batch.expected, stop: 'poison' } : await store.apply(batch),
  );
  await using running = start(topic.name, store, { apply });
  await producer.send(topic.name, keyed(0, 300));
  const others = () => running.consumer.partitions().filter((state) => state.partition !== partition);
  await vi.waitFor(() => expect(others().map(({ lag }) => lag)).toEqual([0, 0, 0, 0, 0]), patient);
  expect(running.consumer.partitions()[partition]).toMatchObject({ next: 0, stopped: 'poison' });
  expect(apply.mock.calls.filter(([batch]) => batch.partition === partition)).toHaveLength(1);
});

test('an offset that is not in the log stops its partition', async () => {
  await using topic = await createTopic(brokers, 1);
  const store = new Store();
  store.next.set(0, 7);
  await using running = start(topic.name, store);
  await vi.waitFor(
    () => expect(running.consumer.partitions()[0]?.stopped).toMatch(/Offset 7 .* not in the log/),
    patient,
  );
});

test('a consumer waits for its offsets, and ends if it is aborted meanwhile', async () => {
  await using topic = await createTopic(brokers);
  const asked = Promise.withResolvers<void>();
  const running = start(topic.name, new Store(), {
    offsets: (_, signal) => {
      asked.resolve();
      return new Promise((__, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    },
  });
  await asked.promise;
  const before = performance.now();
  await running.end();
  expect(performance.now() - before).toBeLessThan(5000);
});

test('a consumer that reaches no broker says so', async () => {
  await using nowhere = start('any', new Store(), { brokers: '127.0.0.1:1' });
  await vi.waitFor(() => expect(nowhere.consumer.problem).toBe('No broker answers'), patient);
});

test('a permanent error while reading offsets ends the consumer with that error', async () => {
  await using topic = await createTopic(brokers);
  const consumer = openConsumer({
    brokers,
    topic: topic.name,
    groupId: topic.name,
    clientId: 'test',
    log: silent,
    offsets: () => Promise.reject(new Error('no such table')),
    apply: new Store().apply,
  });
  await expect(consumer.run(new AbortController().signal)).rejects.toThrow('no such table');
});

test('a consumer whose batches hang still hands partitions over, and ends', async () => {
  await using topic = await createTopic(brokers);
  await using producer = openTestProducer(brokers);
  const hanging = start(topic.name, new Store(), { apply: () => new Promise(() => {}) });
  // More than it queues: the client must be polled for rebalances all the same.
  await producer.send(topic.name, keyed(0, 20_000));
  await vi.waitFor(() => expect(hanging.has()).toBe(6), patient);
  const store = new Store();
  await using healthy = start(topic.name, store);
  await vi.waitFor(() => expect(healthy.has()).toBe(3), patient);
  const before = performance.now();
  await hanging.end();
  expect(performance.now() - before).toBeLessThan(9000);
  await vi.waitFor(() => expect(store.values).toHaveLength(20_000), patient);
});

test('a stalled consumer leaves the group, so that another takes its partitions over at once', async () => {
  await using topic = await createTopic(brokers);
  await using producer = openTestProducer(brokers);
  const stalled = start(topic.name, new Store(), { apply: () => new Promise(() => {}), stalledAfterMs: 1000 });
  await producer.send(topic.name, keyed(0, 300));
  await expect(stalled.running).rejects.toThrow(/stays at offset 0/);
  const store = new Store();
  await using _healthy = start(topic.name, store);
  // Without leaving, the group would drop it 30 s after its last poll.
  await vi.waitFor(() => expect(store.values).toHaveLength(300), patient);
});

test('an offset that is not in the log stops its partition while messages of another keep coming', async () => {
  await using topic = await createTopic(brokers);
  await using producer = openTestProducer(brokers);
  const store = new Store();
  const [first] = await producer.send(topic.name, [message('key 1', 'first')]);
  const strayed = first !== undefined && 'partition' in first ? first.partition : -1;
  const free = Promise.withResolvers<void>();
  // Slow enough that the client always has messages ready. It drops an error that comes after some in a poll.
  const apply: ApplyBatch = async (batch) => {
    if (batch.partition !== strayed) await Promise.race([delay(50), free.promise]);
    return await store.apply(batch);
  };
  await using running = start(topic.name, store, { apply });
  await vi.waitFor(() => expect(store.values).toHaveLength(1), patient);
  await producer.send(topic.name, keyed(0, 60_000));
  store.next.set(strayed, 1_000_000);
  await producer.send(topic.name, [message('key 1', 'last')]);
  const reason = () => running.consumer.partitions()[strayed]?.stopped;
  await vi.waitFor(() => expect(reason()).toMatch(/Offset 1000000 .* not in the log/), patient);
  free.resolve();
});

test('a log that ends before the next offset stops its partition although the client’s report is lost', async () => {
  await using topic = await createTopic(brokers, 1);
  await using producer = openTestProducer(brokers);
  const store = new Store();
  await using running = start(topic.name, store);
  await producer.send(topic.name, keyed(0, 100));
  await vi.waitFor(() => expect(store.values).toHaveLength(100), patient);
  // As the client does when the same poll delivers messages of another partition.
  const lost = vi.fn<() => void>();
  const { poll } = NativeConsumer.prototype;
  const losing = vi.spyOn(NativeConsumer.prototype, 'poll').mockImplementation(async function (
    this: NativeConsumer,
    max,
  ) {
    return await poll.call(this, max).catch((error: unknown) => {
      if (!(error instanceof KafkaError) || error.code !== codes.ERR__AUTO_OFFSET_RESET) throw error;
      lost();
      return [];
    });
  });
  onTestFinished(() => losing.mockRestore());
  await recreateTopic(topic.name);
  const reason = () => running.consumer.partitions()[0]?.stopped;
  await vi.waitFor(() => expect(reason()).toMatch(/Offset 100 .* not in the log/), patient);
  expect(lost).toHaveBeenCalled();
});

async function recreateTopic(name: string): Promise<void> {
  const admin = openAdmin({ brokers, clientId: 'test', log: silent });
  await admin.deleteTopic(name);
  // Until the brokers have deleted it, it still exists.
  await vi.waitFor(async () => expect(await admin.createTopic(name, 1)).toBe(true), patient);
  admin.close();
}
