import { setTimeout as delay } from 'node:timers/promises';
import { openAdmin } from '@catalogue/kafka';
import { isTransient, type Transaction } from '@catalogue/postgres';
import { RefusedError } from '@catalogue/projection/testing';
import { migrateReadModel } from '@catalogue/read-schema';
import {
  createDatabase,
  createTopic,
  type OwnProcess,
  type Random,
  randomFrom,
  runBeside,
  seed,
  startProcess,
  type TestDatabase,
  waitFor,
} from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { openSender, startWorker } from '../test/fixture.ts';
import { discardParked, retryParked, compareGenerations, startRebuild } from '../test/products.ts';
import { RandomEvents } from '../test/random-events.ts';

const { readDb, kafka } = inject('servers');
const main = new URL('main.ts', import.meta.url);
const partitions = 4;

// A minute of it in CI, minutes by hand: FAULTS_FOR=300000.
const lasting = Number(process.env['FAULTS_FOR'] ?? 20_000);

interface Attacked {
  db: TestDatabase;
  workers: OwnProcess[];
  events: RandomEvents;
}

type Fault = (attacked: Attacked, random: Random) => Promise<unknown>;

/** Lets `random()` of PostgreSQL go on from here. */
const seedStatement = (tx: Transaction, random: Random) => tx`select setseed(${random()})`;

/** Holds rows that workers need for up to 3 s. */
const lockSome =
  (table: string): Fault =>
  async ({ db }, random) => {
    const heldMs = random.int(0, 3_000);
    await db.sql
      .begin(async (tx) => {
        await tx`set local lock_timeout = '2s'`;
        await seedStatement(tx, random);
        await tx`select from ${tx(table)} order by random() limit 3 for update`;
        await delay(heldMs);
      })
      .catch((error: unknown) => {
        // The rows were not to be had.
        if (!isTransient(error)) throw error;
      });
  };

const faults: Fault[] = [
  async ({ workers }, random) => random.of(workers).kill('SIGKILL'),
  async ({ workers }, random) => {
    const worker = random.of(workers);
    worker.kill('SIGSTOP');
    await delay(random.int(0, 9_000));
    worker.kill('SIGCONT');
  },
  ({ db }, random) =>
    db.sql.begin(async (tx) => {
      await seedStatement(tx, random);
      await tx`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'query-worker' and random() < 0.5`;
    }),
  ...['products', 'consumer_offsets', 'parked_events', 'change_counters'].map(lockSome),
];

/** Starts a worker, and another whenever it is killed, until it is over. */
async function keepRunning({ db, workers }: Attacked, topic: string, index: number, over: AbortSignal): Promise<void> {
  over.addEventListener('abort', () => workers[index]?.kill('SIGKILL'));
  while (!over.aborted) {
    const env = { KAFKA_BROKER: kafka, KAFKA_TOPIC: topic, READ_DB_DSN: db.dsn, PORT: '0', LOG_LEVEL: 'warn' };
    const worker = startProcess(main, [], env);
    workers[index] = worker;
    const code = await worker.exited;
    if (!over.aborted && code !== 'SIGKILL') throw new Error(`Ended with ${code}: ${worker.stdout().slice(-2_000)}`);
  }
}

/** Tries again some of what waits, as an operator does who has no patience. */
async function retrySome({ db }: Attacked, random: Random, limit: number): Promise<void> {
  const waiting = await db.sql<{ id: string }[]>`select distinct product_id as id from parked_events order by id`;
  for (const { id } of random.shuffle(waiting).slice(0, limit)) await retryParked(db.sql, id);
}

/** Does without what should never have been sent. */
async function discardForks({ db, events }: Attacked): Promise<void> {
  const forks = await db.sql<{ id: string; eventId: string }[]>`
    select distinct product_id as id, event_id as "eventId" from parked_events where event_id = any(${events.forks})`;
  for (const { id, eventId } of forks) await discardParked(db.sql, id, { dryRun: false, eventId });
}

/** For an operator's work while workers hold rows, and let go what waited. */
async function unlessInTheWay(work: Promise<void>): Promise<void> {
  await work.catch((error: unknown) => {
    if (!isTransient(error) && !(error instanceof RefusedError)) throw error;
  });
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
    const events = new RandomEvents(45, randomFrom('events'));
    const attacked: Attacked = { db, workers: [], events };
    /** Does something again and again, with pauses of up to so many milliseconds. */
    const again = (name: string, longestPauseMs: number, work: (random: Random) => Promise<unknown>) => {
      const random = randomFrom(name);
      return async (over: AbortSignal) => {
        while (!over.aborted) {
          await work(random);
          await delay(random.int(0, longestPauseMs));
        }
      };
    };
    await using beside = runBeside([
      ...[0, 1].map((index) => (over: AbortSignal) => keepRunning(attacked, topic.name, index, over)),
      again('sending', 200, (random) => sender.send(events.next(random.int(0, 60)))),
      again('late', 5_000, () => sender.send(events.late())),
      again('retrying', 500, (random) => unlessInTheWay(retrySome(attacked, random, 5))),
      again('discarding', 500, () => unlessInTheWay(discardForks(attacked))),
      again('faults', 1_500, (random) => random.of(faults)(attacked, random)),
    ]);
    await beside.during(async () => {
      await delay(lasting / 2);
      await startRebuild(db.sql);
      await delay(lasting / 2);
    });
    await beside.end();

    await sender.send(events.late());
    await using worker = await startWorker(kafka, db.dsn, topic.name);
    await allApplied(db, topic.name, 2);
    await discardForks(attacked);
    await retrySome(attacked, randomFrom('last'), 1_000);
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
