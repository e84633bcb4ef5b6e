import { describe, expect, test } from 'vitest';
import { fileOf } from '../test/file-of.ts';
import { kafkaBrokers, kafkaTopic } from './kafka-settings.ts';
import { serviceSettings } from './service-settings.ts';
import {
  commandApiUrl,
  corsOrigins,
  integer,
  parseSettings,
  postgresDsn,
  pricesUrl,
  promotionsUrl,
} from './settings.ts';

const settings = {
  ...serviceSettings(8080),
  brokers: kafkaBrokers,
  topic: kafkaTopic('product-events'),
  writeDb: postgresDsn('WRITE_DB_DSN'),
  corsOrigins,
};
const given = { KAFKA_BROKER: 'a:9092, b:9092', WRITE_DB_DSN: 'postgres://user:secret@db/catalogue' };

test('a given setting is read, and an absent one has its default', () => {
  expect(
    parseSettings(settings, { ...given, PORT: ' 9000 ', CORS_ORIGINS: 'https://a.example,http://b.example:81' }),
  ).toEqual({
    port: 9000,
    metricsPort: undefined,
    tls: undefined,
    host: '0.0.0.0',
    logLevel: 'info',
    logPretty: false,
    brokers: 'a:9092, b:9092',
    topic: 'product-events',
    writeDb: 'postgres://user:secret@db/catalogue',
    corsOrigins: ['https://a.example', 'http://b.example:81'],
  });
});

test('a start reports every faulty setting on its own line, with an example', () => {
  expect(() => parseSettings(settings, { PORT: 'http', WRITE_DB_DSN: '' })).toThrow(
    'PORT must be a whole number from 0 to 65535, not "http"; for example PORT=8080\n' +
      'KAFKA_BROKER is missing; for example KAFKA_BROKER=localhost:9092\n' +
      'WRITE_DB_DSN is missing; for example WRITE_DB_DSN=postgres://user:password@localhost:5432/catalogue',
  );
});

describe('a malformed value is refused', () => {
  test.each([
    ['PORT', '-1'],
    ['PORT', '65536'],
    ['PORT', '80.5'],
    ['METRICS_PORT', '65536'],
    ['LOG_LEVEL', 'loud'],
    ['LOG_PRETTY', 'yes'],
    ['KAFKA_BROKER', 'localhost'],
    ['KAFKA_BROKER', 'http://localhost:9092'],
    ['KAFKA_BROKER', 'a:1,,b:2'],
    ['KAFKA_TOPIC', 'product events'],
    ['KAFKA_TOPIC', '..'],
    ['WRITE_DB_DSN', 'mysql://db/catalogue'],
    ['WRITE_DB_DSN', 'postgres://db'],
    ['WRITE_DB_DSN', 'postgres://db:99999/catalogue'],
    ['WRITE_DB_DSN', 'postgres://user:p%zz@db/catalogue'],
    ['WRITE_DB_DSN', 'postgres://a:5432,b:5432/catalogue'],
    ['WRITE_DB_DSN', 'postgres://user@%2Fvar%2Frun/catalogue'],
    ['WRITE_DB_DSN', 'postgres://user:se#cret@db/catalogue'],
    ['KAFKA_BROKER', 'localhost:99999'],
    ['CORS_ORIGINS', '*'],
    ['CORS_ORIGINS', 'https://a.example/path'],
  ])('%s=%s', (variable, value) => {
    expect(() => parseSettings(settings, { ...given, [variable]: value })).toThrow(`${variable} `);
  });

  test.each([
    ['WRITE_DB_DSN', 'postgres:secret'],
    ['KAFKA_BROKER', 'user:secret@a:9092'],
    ['CORS_ORIGINS', 'https://user:secret@shop.example'],
    ['LOG_LEVEL', 'user:secret@shop.example'],
  ])('without repeating a password: %s=%s', (variable, value) => {
    expect(() => parseSettings(settings, { ...given, [variable]: value })).toThrow(/^(?!.*secret)/);
  });
});

test('an address that comes from a file names the file, so that its password can be read again', () => {
  const file = fileOf('postgres://user:secret@db/catalogue?sslmode=disable');
  const { writeDb } = parseSettings(settings, { KAFKA_BROKER: 'a:9092', WRITE_DB_DSN_FILE: file });
  expect(writeDb).toBe(`postgres://user:secret@db/catalogue?sslmode=disable&address_file=${encodeURIComponent(file)}`);
});

test.each(['', ' \n'])('a file that is empty is a fault, whether the setting is required or not', (text) => {
  const file = fileOf(text);
  expect(() => parseSettings(settings, { ...given, WRITE_DB_DSN: '', WRITE_DB_DSN_FILE: file })).toThrow(
    'WRITE_DB_DSN cannot be read from WRITE_DB_DSN_FILE, which names an empty file',
  );
  expect(() => parseSettings(settings, { ...given, CORS_ORIGINS_FILE: file })).toThrow(
    'CORS_ORIGINS cannot be read from CORS_ORIGINS_FILE, which names an empty file',
  );
});

describe('an address that browsers send requests to', () => {
  test.each(['https://prices.shop.example', 'HTTP://localhost:8084/', 'https://shop.example/prices//'])(
    'may have a path: %s',
    (text) => {
      const { url } = parseSettings({ url: pricesUrl }, { PRICES_URL: text });
      expect(url).toBe(text.replace(/\/+$/, ''));
    },
  );

  test.each([
    'prices.shop.example',
    'localhost:8084',
    'ftp://shop.example',
    'https:shop.example',
    'https://',
    'https://shop.example/?a=1',
    'https://shop.example?',
    'https://shop.example/#top',
    'https://secret@shop.example',
    'https://:secret@shop.example',
    'https://user:secret@shop.example',
  ])('is refused if the client cannot append a path to it: %s', (text) => {
    const read = () =>
      parseSettings(
        { pricesUrl, promotionsUrl, commandApiUrl },
        { PRICES_URL: text, PROMOTIONS_URL: text, COMMAND_API_URL: text },
      );
    const fault = 'must be an http:// or https:// address without credentials, ? and #';
    expect(read).toThrow(
      `PRICES_URL ${fault}; for example PRICES_URL=https://prices.shop.example\n` +
        `PROMOTIONS_URL ${fault}; for example PROMOTIONS_URL=https://promotions.shop.example\n` +
        `COMMAND_API_URL ${fault}; for example COMMAND_API_URL=https://commands.shop.example`,
    );
  });
});

test('a setting of a single process is read like the common ones', () => {
  expect(parseSettings({ size: integer('SIZE', 10, 1, 100) }, { SIZE: '7' })).toEqual({ size: 7 });
});

test.each([
  ['sslmode=verify_full', 'has an sslmode that is not one of disable'],
  ['sslmode=prefer&sslcert=/dev/null', 'names a client certificate in sslcert, but its sslmode'],
  ['sslmode=allow&sslkey=/dev/null', 'names a client certificate in sslkey, but its sslmode'],
  ['sslcert=/dev/null', 'names a client certificate in sslcert, but its sslmode'],
  ['ssl=disable&sslcert=/dev/null', 'names a client certificate in sslcert, but its sslmode'],
  ['sslmode=verify-full&sslrootcert=/nowhere', 'names a file in sslrootcert that cannot be read'],
  ['sslmode=verify-full&sslrootcert=/tmp', 'names a file in sslrootcert that cannot be read'],
  ['host=/var/run/postgresql', 'has a parameter host'],
  ['target_session_attrs=any', 'has target_session_attrs=any'],
])('an address with %s is refused', (parameters, message) => {
  const env = { ...given, WRITE_DB_DSN: `postgres://user:secret@db/catalogue?${parameters}` };
  expect(() => parseSettings(settings, env)).toThrow(`WRITE_DB_DSN ${message}`);
  expect(() => parseSettings(settings, env)).not.toThrow('user:secret@db');
});
