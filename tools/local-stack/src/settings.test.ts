import { expect, test } from 'vitest';
import { readSettings } from './settings.ts';

test('without any setting the stack has servers of its own on the default ports', () => {
  const { ports, kafkaBroker, writeDb, readDb } = readSettings({ KAFKA_BROKER: '' });
  expect([kafkaBroker, writeDb, readDb]).toEqual([undefined, undefined, undefined]);
  expect(Object.values(ports).map(({ number }) => number)).toEqual([8080, 8081, 8082, 8083, 5441, 5442, 9092, 9093]);
});

test('each server can be given, each port chosen', () => {
  const settings = readSettings({ WRITE_DB_DSN: 'postgres://u@db/catalogue', KAFKA_PORT: '19092' });
  expect(settings.writeDb).toBe('postgres://u@db/catalogue');
  expect(settings.readDb).toBeUndefined();
  expect(settings.ports.kafka).toEqual({ variable: 'KAFKA_PORT', number: 19_092 });
});

test.each(['0', '65536', '80.5', 'http', '-1'])('%s is no port', (KAFKA_PORT) => {
  expect(() => readSettings({ KAFKA_PORT })).toThrow(`KAFKA_PORT must be a port from 1 to 65535, not "${KAFKA_PORT}"`);
});

test('two things on one port are named before anything starts', () => {
  expect(() => readSettings({ KAFKA_PORT: '8080' })).toThrow('COMMAND_API_PORT and KAFKA_PORT are both 8080');
});

test('an address without a database is refused, and never repeated', () => {
  const read = () => readSettings({ READ_DB_DSN: 'postgres://u:secret@db' });
  expect(read).toThrow(/^READ_DB_DSN must be an address like/);
  expect(read).not.toThrow(/secret/);
});
