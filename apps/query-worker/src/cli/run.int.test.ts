import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { openAdmin } from '@catalogue/kafka';
import { migrateReadModel } from '@catalogue/read-schema';
import { createDatabase, sendMessages, startOwnKafkaCluster, waitFor } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';

const { readDb, kafka } = inject('servers');
const program = fileURLToPath(new URL('../cli.ts', import.meta.url));
const formerProgram = fileURLToPath(new URL('../worker.ts', import.meta.url));

/** Runs the command-line tool; its output is not read when `closed`. */
async function worker(typed: string[], settings: Record<string, string> = {}, { closed = false, file = program } = {}) {
  const env = { PATH: process.env['PATH'], READ_DB_DSN: readDb, KAFKA_BROKER: kafka, ...settings };
  const tool = spawn(process.execPath, ['--conditions=@catalogue/source', file, ...typed], { env });
  const told = { out: '', error: '' };
  if (closed) tool.stdout.destroy();
  else tool.stdout.on('data', (text: Buffer) => (told.out += text.toString()));
  tool.stderr.on('data', (text: Buffer) => (told.error += text.toString()));
  const [code] = (await once(tool, 'close')) as [number | null];
  return { code, ...told };
}

const away = 'postgres://postgres@127.0.0.1:1/catalogue';
const missing = new URL('/not_there', readDb).href;

test.each([
  [
    ['parked', 'list'],
    { READ_DB_DSN: away },
    1,
    /^The database of READ_DB_DSN cannot be reached: .*ECONNREFUSED.*READ_DB_DSN right\?\n$/,
  ],
  [
    ['parked', 'list'],
    { READ_DB_DSN: missing },
    1,
    /^The database of READ_DB_DSN refuses: .*not_there.* READ_DB_DSN right\?\n$/,
  ],
  [
    ['parked', 'list'],
    {},
    1,
    /^The database of READ_DB_DSN has no tables of this release .*run node dist\/migrate\.js\n$/,
  ],
  [['parked', 'list', 'x'], {}, 2, /arguments\. See node dist\/cli\.js parked list --help\n$/],
  [['lag'], { KAFKA_BROKER: '127.0.0.1:1' }, 1, /127\.0\.0\.1:1.*\. Is Kafka up, and is KAFKA_BROKER right\?\n$/],
])('a failed command prints one line that says what to check: %j %j', async (typed, settings, code, line) => {
  expect(await worker(typed, settings)).toEqual({ code, out: '', error: expect.stringMatching(line) });
});

test('a closed standard output is not an error', async () => {
  expect(await worker(['--help'], {}, { closed: true })).toEqual({ code: 0, out: '', error: '' });
});

test('the former name of the tool runs the same commands', async () => {
  const typed = ['parked', 'list', 'x'];
  expect(await worker(typed, {}, { file: formerProgram })).toEqual(await worker(typed));
});

test('partitions whose leader is away are named, and the others are shown, with exit code 1', async () => {
  await using cluster = await startOwnKafkaCluster(2);
  await using db = await createDatabase(readDb, migrateReadModel);
  const { brokers } = cluster;
  const admin = openAdmin({ brokers, clientId: 'test', log: { debug() {}, info() {}, warn() {}, error() {} } });
  // Each partition is on one broker.
  await waitFor('a topic', async () => await admin.createTopic('events', 4, 1).catch(() => false));
  admin.close();
  const keys = Array.from({ length: 40 }, (_, index) => `key ${index}`);
  await sendMessages(
    brokers,
    'events',
    keys.map((key) => ({ key, value: Buffer.from('{}'), headers: {} })),
  );
  const settings = { READ_DB_DSN: db.dsn, KAFKA_BROKER: brokers, KAFKA_TOPIC: 'events' };
  const whole = partitionsOf(await worker(['lag', '--json'], settings));
  expect(whole.reduce((sum, { events }) => sum + (events ?? 0), 0)).toBe(40);

  await cluster.stopLast();
  const lag = await worker(['lag', '--json'], settings);
  const partitions = partitionsOf(lag);
  const leaderless = partitions.flatMap(({ events, partition }) => (events === null ? [partition] : []));
  expect(leaderless).toHaveLength(2);
  const unknown = { end: null, events: null, seconds: null, unknown: expect.any(String) };
  expect(partitions).toEqual(
    whole.map((known) => (leaderless.includes(known.partition) ? { ...known, ...unknown } : known)),
  );
  const named = leaderless.map((partition) => `${partition} \\(.*Leader not available\\)`).join(', ');
  expect(lag).toMatchObject({ code: 1, error: expect.stringMatching(`^Not known of events: partition ${named}\n$`) });
  expect(await worker(['rebuild', 'status', '--json'], settings)).toMatchObject({
    code: 1,
    out: expect.stringMatching(/"behind": null,[^]*"secondsLeft": null/),
    error: lag.error,
  });
});

interface PartitionLag {
  partition: number;
  events: number | null;
}

function partitionsOf({ out }: { out: string }): PartitionLag[] {
  // The seconds of two moments differ.
  return (JSON.parse(out) as (PartitionLag & { seconds: number | null })[]).map((lag) =>
    lag.seconds === null ? lag : { ...lag, seconds: 0 },
  );
}
