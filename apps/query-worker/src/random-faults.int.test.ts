import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { openAdmin } from '@catalogue/kafka';
import { migrateReadModel } from '@catalogue/read-schema';
import {
  createDatabase,
  createTopic,
  type OwnProcess,
  startProcess,
  type TestDatabase,
  waitFor,
} from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { openSender, startWorker } from '../test/fixture.ts';
import { RandomEvents, randomFrom } from '../test/random-events.ts';
import { discardParked, retryParked } from './operate/parked-products.ts';
import { compareGenerations } from './operate/rebuild/compare.ts';
import { startRebuild } from './operate/rebuild/start.ts';

const { readDb, kafka } = inject('servers');
const main = new URL('main.ts', import.meta.url);
const partitions = 4;

// Minutes of it by hand: FAULTS_FOR=300000 SEED=….
const lasting = Number(process.env['FAULTS_FOR'] ?? 20_000);
const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

interface Attacked {
  db: TestDatabase;
  workers: OwnProcess[];
  events: RandomEvents;
  random: () => number;
  over: AbortSignal;
}

type Fault = (attacked: Attacked) => Promise<unknown>;

/** Holds rows that workers need for up to 3 s. */
const lockSome =
  (table: string): Fault =>
  ({ db, random }) =>
    db.sql
      .begin(async (tx) => {
        await tx`set local lock_timeout = '2s'`;
        await tx`select from ${tx(table)} order by random() limit 3 for update`;
        await delay(random() * 3_000);
      })
      .catch(() => {}); // The rows were not to be had.

const pick = ({ workers, random }: Attacked) => workers[Math.floor(random() * workers.length)];

const faults: Fault[] = [
  async (attacked) => pick(attacked)?.kill('SIGKILL'),
  async (attacked) => {
    const worker = pick(attacked);
    worker?.kill('SIGSTOP');
    await delay(attacked.random() * 9_000);
    worker?.kill('SIGCONT');
  },
  ({ db }) => db.sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and application_name = 'query-worker' and random() < 0.5`,
  ...['products', 'consumer_offsets', 'parked_events', 'change_counters'].map(lockSome),
];

/** Starts a worker, and another whenever it is killed. */
async function keepRunning({ db, workers, over }: Attacked, topic: string, index: number): Promise<void> {
  while (!over.aborted) {
    const env = { KAFKA_BROKER: kafka, KAFKA_TOPIC: topic, READ_DB_DSN: db.dsn, PORT: '0', LOG_LEVEL: 'warn' };
    const worker = startProcess(main, [], env);
    workers[index] = worker;
    const code = await worker.exited;
    if (!over.aborted && code !== 'SIGKILL') throw new Error(`Ended with ${code}: ${worker.stdout().slice(-2_000)}`);
  }
}

/** Tries again what waits, as an operator does who has no patience. */
async function retrySome({ db }: Attacked, limit: number): Promise<void> {
  const waiting = await db.sql<{ id: string }[]>`
    select id from (select distinct product_id as id from parked_events) waiting order by random() limit ${limit}`;
  for (const { id } of waiting) await retryParked(db.sql, id);
}

/** Does without what should never have been sent. */
async function discardForks({ db, events }: Attacked): Promise<void> {
  const forks = await db.sql<{ id: string; eventId: string }[]>`
    select distinct product_id as id, event_id as "eventId" from parked_events where event_id = any(${events.forks})`;
  for (const { id, eventId } of forks) await discardParked(db.sql, id, { dryRun: false, eventId });
}

/** Resolves when every generation is at the end of every partition. */
async function allApplied(db: TestDatabase, topic: string, generations: number): Promise<void> {
  const admin = openAdmin({ brokers: kafka, clientId: 'test', log: { debug() {}, info() {}, warn() {}, error() {} } });
  try {
    const found = await admin.describeTopic(topic);
    const ends = found === undefined ? [] : await admin.endOffsets(found);
    const isApplied = async () => {
      const rows = await db.sql<{ partition: number; next: number }[]>`select partition, next from consumer_offsets`;
      return rows.length === generations * partitions && rows.every(({ partition, next }) => next === ends[partition]);
    };
    await waitFor('everything to be applied', isApplied, { within: 90_000 });
  } finally {
    admin.close();
  }
}

test(
  `under random faults the read model is the fold of the events, and so is a rebuild (seed ${seed})`,
  async () => {
    await using db = await createDatabase(readDb, migrateReadModel);
    await using topic = await createTopic(kafka, partitions);
    await using sender = await openSender(kafka, topic);
    const random = randomFrom(seed);
    const over = AbortSignal.timeout(lasting);
    const events = new RandomEvents(45, random);
    const attacked: Attacked = { db, workers: [], events, random, over };
    const again = async (longestPause: number, work: () => Promise<unknown>) => {
      while (!over.aborted) {
        await work();
        await delay(random() * longestPause);
      }
    };
    const running = [0, 1].map((index) => keepRunning(attacked, topic.name, index));
    await Promise.all([
      Promise.race([...running, once(over, 'abort')]),
      again(200, () => sender.send(events.next(Math.floor(random() * 60)))),
      again(5_000, () => sender.send(events.late())),
      // Rows are locked, or what waited does so no more.
      again(500, () => retrySome(attacked, 5).catch(() => {})),
      again(500, () => discardForks(attacked).catch(() => {})),
      again(1_500, async () => faults[Math.floor(random() * faults.length)]?.(attacked)),
      delay(lasting / 2).then(() => startRebuild(db.sql)),
    ]);
    for (const worker of attacked.workers) worker.kill('SIGKILL');
    await Promise.all(running);

    await sender.send(events.late());
    await using worker = await startWorker(kafka, db.dsn, topic.name);
    await allApplied(db, topic.name, 2);
    await discardForks(attacked);
    await retrySome(attacked, 1_000);
    await waitFor('long queues', async () => (await db.sql`select from parked_events where draining`).count === 0);
    expect(worker.fault()).toBeUndefined();
    const read = await db.sql`select id, name, price, version from products_read order by id collate "C"`;
    expect([...read]).toEqual(events.expected());
    expect(await db.sql`select * from parked_events where reason <> 'unreadable'`).toHaveLength(0);
    const parity = await compareGenerations(db.sql, { serving: 1, candidate: 2, topic: topic.name });
    expect(parity).toMatchObject({ comparable: true, differences: [] });
    // Each step is told once, in order, and no number is left out.
    const told = await db.sql`
    select product_id, array_agg(version order by seq) from changes where generation = 1 and version > 0
    group by product_id
    having count(distinct version) <> max(version)
      or array_agg(version order by seq) <> array_agg(version order by version)`;
    expect([...told]).toEqual([]);
    const [numbers] =
      await db.sql`select count(*) = max(seq) - min(seq) + 1 as dense from changes where generation = 1`;
    expect(numbers).toEqual({ dense: true });
  },
  lasting + 240_000,
);
