import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { productContract } from '@catalogue/contracts';
import { append, migrateEventStore } from '@catalogue/event-store';
import { AvroCodec, jsonSchemaIds, publish, SchemaRegistry } from '@catalogue/registry';
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
  const env = { PATH: process.env['PATH'], ...settings, PYTHONPATH: packages };
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
  const env = { PATH: process.env['PATH'], ...settings, PYTHONPATH: packages };
  const reading = run('python3', ['consumer.py', '--once'], { cwd: folder, env });
  await expect(reading).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('The topic not-here cannot be read'),
  });
});

/** Confluent's way to the schema of a message, and the value that is left. It reads the first message of each partition. */
const confluentsReading = `
import json, os
from confluent_kafka import Consumer
from confluent_kafka.schema_registry import dual_schema_id_deserializer
from confluent_kafka.schema_registry.serde import SchemaId
from confluent_kafka.serialization import MessageField, SerializationContext
topic = os.environ["KAFKA_TOPIC"]
consumer = Consumer({"bootstrap.servers": os.environ["KAFKA_BROKER"], "group.id": topic, "auto.offset.reset": "earliest"})
consumer.subscribe([topic])
message = consumer.poll(30)
schema_id = SchemaId("JSON")
context = SerializationContext(topic, MessageField.VALUE, message.headers())
value = dual_schema_id_deserializer(message.value(), context, schema_id)
print(json.dumps({"guid": str(schema_id.guid), "price": json.load(value)["payload"]["price"]}))
consumer.close()
`;

test('Confluent’s deserializer finds the schema of an event in JSON by its GUID', async ({ skip }) => {
  if (missing !== undefined) skip(missing);
  await using db = await createDatabase(writeDb, migrateEventStore);
  await using topic = await createTopic(kafka);
  // A registry with GUIDs is Confluent's alone, and does not run here: its answer as its source has it.
  const guid = '89791762-2336-4186-9674-299b90a802e2';
  await using server = createServer((_, response) => void response.end(JSON.stringify({ id: 7, guid })));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const schemaIds = jsonSchemaIds({ url, user: '', password: '' }, productContract, topic.name);
  await schemaIds.ask();
  await using _relay = await startRelay(db, kafka, topic, { schemaIds });
  await appendTo(db, newIds(1), 1, 1);
  const [message] = await topic.read(1);
  const header = Buffer.from(`01${guid.replaceAll('-', '')}`, 'hex');
  expect(message?.headers).toEqual(expect.arrayContaining([{ __value_schema_id: header }]));

  const env = { PATH: process.env['PATH'], KAFKA_BROKER: kafka, KAFKA_TOPIC: topic.name, PYTHONPATH: packages };
  const { stdout } = await run('python3', ['-c', confluentsReading], { env });
  expect(JSON.parse(stdout)).toEqual({ guid, price: 1 });
});
