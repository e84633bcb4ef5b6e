import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { productContract } from '@catalogue/contracts';
import { append, migrateEventStore } from '@catalogue/event-store';
import { AvroCodec, publish, SchemaRegistry } from '@catalogue/registry';
import { createDatabase, createTopic, startOwnRegistry } from '@catalogue/testing';
import { beforeAll, expect, inject, test } from 'vitest';
import { appendTo, newIds, startRelay } from '../test/fixture.ts';

const run = promisify(execFile);
const { writeDb, kafka } = inject('servers');
const pathOf = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const folder = pathOf('examples/python-consumer');
const packages = pathOf('.tools/python-consumer');

/** Installs Confluent's client from PyPI, and resolves with why that cannot be done: no Python, no network. */
async function install(): Promise<string | undefined> {
  if (existsSync(packages)) return undefined;
  const part = `${packages}.${process.pid}`;
  const pip = ['-m', 'pip', 'install', '--quiet', '--target', part, '--requirement', `${folder}/requirements.txt`];
  try {
    await run('python3', pip, { timeout: 120_000 });
    renameSync(part, packages);
    return undefined;
  } catch (error) {
    rmSync(part, { recursive: true, force: true });
    return `Confluent's client for Python could not be installed: ${(error as Error).message}`;
  }
}

async function stop(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  if (child.kill('SIGKILL')) await exited;
}

let missing: string | undefined;
beforeAll(async () => {
  missing = await install();
});

test('a consumer in Python reads the topic by the schemas of the registry', async ({ skip }) => {
  if (missing !== undefined) skip(missing);
  await using db = await createDatabase(writeDb, migrateEventStore);
  await using topic = await createTopic(kafka);
  await using server = await startOwnRegistry();
  const registry = new SchemaRegistry({ url: server.url, user: '', password: '' }, 30_000);
  await publish(registry, productContract, topic.name);
  const codec = new AvroCodec(registry, productContract, topic.name);
  await using _relay = await startRelay(db, kafka, topic, { name: 'relay-avro', codec });
  const [mouse, lamp] = newIds(2) as [string, string];
  await appendTo(db, [mouse, lamp], 1, 2);
  const more = (type: string, payload: object) => ({
    id: crypto.randomUUID(),
    type,
    schemaVersion: 1,
    payload,
    metadata: {},
  });
  await append(db.sql, [
    { stream: mouse, expectedVersion: 2, events: [more('ProductUpdated', { id: mouse, price: 999_999_999.99 })] },
    { stream: lamp, expectedVersion: 2, events: [more('ProductDiscontinued', { id: lamp })] },
  ]);
  await topic.read(6);

  const settings = { KAFKA_BROKER: kafka, KAFKA_TOPIC: topic.name, SCHEMA_REGISTRY_URL: server.url };
  const env = { ...process.env, ...settings, PYTHONPATH: packages };
  // One that goes on reading does not take partitions from the other.
  const other = spawn('python3', ['consumer.py'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
  await using _other = { [Symbol.asyncDispose]: () => stop(other) };
  await once(other.stdout, 'data');
  const { stdout } = await run('python3', ['consumer.py', '--once'], { cwd: folder, env });
  const linesOf = (id: string) => stdout.split('\n').filter((line) => line.startsWith(id));
  expect(linesOf(mouse)).toEqual(
    ['costs 1.00', 'costs 2.00', 'costs 999999999.99'].map((end) => `${mouse} Mouse ${end}`),
  );
  expect(linesOf(lamp)).toEqual(['costs 1.00', 'costs 2.00', 'is discontinued'].map((end) => `${lamp} Mouse ${end}`));
});

test('it says that a topic does not exist', async ({ skip }) => {
  if (missing !== undefined) skip(missing);
  const settings = { KAFKA_BROKER: kafka, KAFKA_TOPIC: 'not-here', SCHEMA_REGISTRY_URL: 'http://127.0.0.1:9' };
  const env = { ...process.env, ...settings, PYTHONPATH: packages };
  const reading = run('python3', ['consumer.py', '--once'], { cwd: folder, env });
  await expect(reading).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('The topic not-here cannot be read'),
  });
});
