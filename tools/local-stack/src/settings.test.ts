import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { kafkaProperties } from './kafka-properties.ts';
import { readSettings, schemeOf, serviceEnvironment, servicesOn, refuseArguments } from './settings.ts';
import { welcome } from './welcome.ts';

test('without settings the stack starts its own servers on the default ports', () => {
  const { ports, kafkaBroker, writeDb, readDb, promotionsDb, beside } = readSettings({ KAFKA_BROKER: '' });
  expect([kafkaBroker, writeDb, readDb, promotionsDb]).toEqual([undefined, undefined, undefined, undefined]);
  expect(beside.every(({ dsn }) => dsn === undefined)).toBe(true);
  const { commandApi, queryApi, writeDb: write, readDb: read, kafka, kafkaController, registry } = ports;
  const numbers = [commandApi, queryApi, write, read, kafka, kafkaController, registry].map(({ number }) => number);
  expect(numbers).toEqual([8080, 8081, 5441, 5442, 9092, 9093, 8090]);
});

test('the services are named after the variables of their ports, and the welcome shows their addresses', () => {
  const { ports } = readSettings({ PRICE_HISTORY_PORT: '18084' });
  const services = servicesOn(ports, 'http');
  expect(services).toContainEqual({ name: 'price-history', port: 18_084, scheme: 'http' });
  expect(services).toContainEqual({ name: 'promotions-relay', port: 8086, scheme: 'http' });
  for (const { name, port } of services)
    expect(welcome(ports, 'http')).toMatch(new RegExp(`^  ${name} +http://localhost:${port}`, 'm'));
});

test('with a certificate, every address of the services is one of HTTPS', () => {
  const { ports } = readSettings({});
  expect(schemeOf({ TLS_CERT_FILE: ' ' })).toBe('http');
  for (const variable of ['TLS_CERT', 'TLS_CERT_FILE']) {
    expect(schemeOf({ [variable]: 'given' })).toBe('https');
    const { COMMAND_API_URL, PRICES_URL, PROMOTIONS_URL, CORS_ORIGINS } = serviceEnvironment(
      { [variable]: 'given' },
      ports,
    );
    for (const address of [COMMAND_API_URL, PRICES_URL, PROMOTIONS_URL, ...(CORS_ORIGINS ?? '').split(',')])
      expect(address).toMatch(/^https:/);
  }
  expect(welcome(ports, 'https')).not.toContain('http:');
  expect(welcome(ports, 'https', 'own ca.crt').match(/curl --cacert "own ca.crt" /g)).toHaveLength(2);
});

test('files are named from the folder of the start, not from those of the services', () => {
  const { ports } = readSettings({});
  const given = { TLS_CERT_FILE: 'tls.crt', NODE_EXTRA_CA_CERTS: './ca.crt', AUTH_FILE: ' ', TLS_KEY_FILE: '/tls.key' };
  expect(serviceEnvironment(given, ports)).toMatchObject({
    TLS_CERT_FILE: join(process.cwd(), 'tls.crt'),
    NODE_EXTRA_CA_CERTS: join(process.cwd(), 'ca.crt'),
    AUTH_FILE: ' ',
    TLS_KEY_FILE: '/tls.key',
  });
});

test('a database beside the read model can be given', () => {
  const { beside } = readSettings({ PRICES_DB_DSN: 'postgres://u@db/prices' });
  expect(beside).toContainEqual({ variable: 'PRICES_DB_DSN', name: 'catalogue_prices', dsn: 'postgres://u@db/prices' });
});

test('a schema registry starts only with --registry, and not where one is given', () => {
  expect(readSettings({}).startsRegistry).toBe(false);
  expect(readSettings({}, ['--registry']).startsRegistry).toBe(true);
  expect(readSettings({ SCHEMA_REGISTRY_URL: 'http://registry' }, ['--registry']).startsRegistry).toBe(false);
  expect(() => readSettings({}, ['--registery'])).toThrow('There is no option --registery');
});

test('each server can be given and each port can be chosen', () => {
  const settings = readSettings({ WRITE_DB_DSN: 'postgres://u@db/catalogue', KAFKA_PORT: '19092' });
  expect(settings.writeDb).toBe('postgres://u@db/catalogue');
  expect(settings.readDb).toBeUndefined();
  expect(settings.ports.kafka).toEqual({ variable: 'KAFKA_PORT', number: 19_092 });
});

test.each(['0', '65536', '80.5', 'http', '-1'])('%s is not a port', (KAFKA_PORT) => {
  expect(() => readSettings({ KAFKA_PORT })).toThrow(`KAFKA_PORT must be a port from 1 to 65535, not "${KAFKA_PORT}"`);
});

test('two settings with the same port are named before any server starts', () => {
  expect(() => readSettings({ KAFKA_PORT: '8080' })).toThrow('COMMAND_API_PORT and KAFKA_PORT are both 8080');
});

test('an address without a database is refused and not printed', () => {
  const read = () => readSettings({ READ_DB_DSN: 'postgres://u:secret@db' });
  expect(read).toThrow(/^READ_DB_DSN must be an address like/);
  expect(read).not.toThrow(/secret/);
});

test('in development, services and Kafka listen on the loopback address unless HOST is set', () => {
  const { ports } = readSettings({});
  for (const HOST of [undefined, '', ' ']) expect(serviceEnvironment({ HOST }, ports)['HOST']).toBe('127.0.0.1');
  expect(serviceEnvironment({ HOST: '0.0.0.0' }, ports)['HOST']).toBe('0.0.0.0');
  expect(serviceEnvironment({ METRICS_PORT: '9464' }, ports)['METRICS_PORT']).toBe('');
  const listeners = kafkaProperties(9092, 9093)['listeners']?.split(',') ?? [];
  expect(listeners).toHaveLength(2);
  for (const listener of listeners) expect(listener).toContain('//127.0.0.1:');
});

test('in development, every client may do everything, unless something is set about access tokens', () => {
  const { ports } = readSettings({});
  expect(serviceEnvironment({ AUTH_ISSUER: ' ' }, ports)['AUTH']).toBe('off');
  for (const variable of ['AUTH_FILE', 'AUTH_ISSUER', 'AUTH_ISSUER_FILE', 'AUTH_JWKS_URL_FILE', 'AUTH_AUDIENCE'])
    expect(serviceEnvironment({ [variable]: 'given' }, ports)['AUTH']).toBeUndefined();
});

test('docker-compose.yml passes the settings of access tokens and limits to the four APIs', () => {
  const text = readFileSync(new URL('../../../docker-compose.yml', import.meta.url), 'utf8');
  const access = ['AUTH_ISSUER', 'AUTH_JWKS_URL', 'AUTH_AUDIENCE', 'AUTH_ALGORITHMS', 'SUBJECT_KEY'];
  for (const variable of [...access, 'RATE_LIMIT', 'CONCURRENCY_LIMIT', 'TRUST_PROXY', 'METRICS_PORT'])
    expect(text.split(`${variable}: \${${variable}:-}\n`)).toHaveLength(5);
});

test.each(['docker-compose.yml', 'docker-compose.dev.yml'])('%s publishes every port on this machine only', (file) => {
  const text = readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');
  const published = text.split('\n').filter((line) => line.trim().startsWith('ports:'));
  expect(published.length).toBeGreaterThan(1);
  for (const line of published) expect(line).toContain('ports: ["127.0.0.1:');
});

test('a command without arguments refuses one, since it would otherwise do its work', () => {
  expect(() => refuseArguments(['--help'])).toThrow('There is no option --help: this command has none');
  expect(() => refuseArguments([])).not.toThrow();
});
