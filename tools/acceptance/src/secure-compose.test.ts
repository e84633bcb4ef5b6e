import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readComposeFile } from './compose-file.ts';
import { blocksOf } from './secured-system.ts';
import { root } from './service-process.ts';

const { services, volumes } = readComposeFile('docker-compose.secure.yml');
const usual = readComposeFile('docker-compose.yml');
const folder = join(root, 'tools/images/secure');
const textOf = (file: string) => readFileSync(join(folder, file), 'utf8');

test('the secured file has every process of docker-compose.yml, except the registry and its own ways to make databases', () => {
  const missing = Object.keys(usual.services).filter((name) => !(name in services));
  expect(missing).toEqual(['registry-db', 'registry', 'publish-schemas', 'create-databases']);
  expect(Object.keys(services).filter((name) => !(name in usual.services))).toEqual([
    'certificates',
    'issuer',
    'kafka-rights',
    'grant-write-db',
    'grant-read-db',
    'grant-promotions-db',
  ]);
});

test('it publishes the four APIs and the issuer, on this machine only', () => {
  const ports = Object.entries(services).flatMap(([name, { ports: own = [] }]) => own.map((port) => `${name} ${port}`));
  expect(ports).toEqual([
    'issuer 127.0.0.1:8443:8443',
    'command-api 127.0.0.1:8080:8080',
    'query-api 127.0.0.1:8081:8081',
    'price-history 127.0.0.1:8084:8084',
    'promotions 127.0.0.1:8085:8085',
  ]);
});

test('no address is plain, every database is verified, and no secret is in the environment', () => {
  const set = Object.values(services).flatMap(({ environment = {} }) => Object.entries(environment));
  for (const [variable, value] of set) {
    expect(`${variable}=${value}`).not.toMatch(/http:|PLAINTEXT|AUTH=off/);
    expect(variable).not.toMatch(/(PASSWORD|SECRET|KEY)$(?<!SUBJECT_KEY|PGSSLKEY)/);
  }
  const addresses = set.filter(([variable]) => variable.endsWith('_DSN'));
  expect(addresses).toHaveLength(11);
  for (const [, address] of addresses)
    expect(address).toMatch(
      /^postgres:\/\/\w+@[^?:]+:5432\/\w+\?sslmode=verify-full&sslrootcert=\/secrets\/ca\.crt&sslcert=/,
    );
});

test('each volume of secrets is read by the processes of one role, and written by certificates alone', () => {
  const readers = new Map<string, string[]>();
  const { certificates, ...others } = services;
  for (const [name, { volumes: own = [] }] of Object.entries(others)) {
    for (const mount of own.filter((each) => /^[\w-]*(secrets|authority):/.test(each))) {
      expect(mount).toMatch(/^[\w-]+-secrets:\/secrets:ro$/);
      const [volume = ''] = mount.split(':');
      readers.set(volume, [...(readers.get(volume) ?? []), name]);
    }
  }
  expect(readers.has('authority')).toBe(false);
  const shared = [...readers].filter(([, names]) => names.length > 1);
  expect(Object.fromEntries(shared)).toEqual({
    'event-store-secrets': ['migrate-write-db', 'grant-write-db'],
    'query-worker-secrets': ['migrate-read-db', 'grant-read-db', 'query-worker'],
    'price-history-secrets': ['migrate-prices-db', 'price-history'],
    'promotions-secrets': ['migrate-promotions-db', 'grant-promotions-db', 'promotions'],
    'topics-secrets': ['create-topic', 'create-promotions-topic'],
  });
  const written = (certificates?.volumes ?? []).map((mount) => mount.split(':')[0]);
  expect(new Set(written)).toEqual(new Set(Object.keys(volumes).filter((name) => /secrets|authority/.test(name))));
});

test('roles, grants and ACLs are those of the how-to', () => {
  const [roles = '', ...grants] = blocksOf('database-roles', 'sql');
  const linesOf = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('--'));
  const wanted = linesOf(roles.replaceAll(" password '…'", '')).flatMap((line) => {
    const [, both] = /^grant pg_read_all_stats to (.*);$/.exec(line) ?? [];
    return both === undefined ? [line] : both.split(', ').map((role) => `grant pg_read_all_stats to ${role};`);
  });
  const found = ['write-db', 'read-db', 'promotions-db'].flatMap((name) =>
    linesOf(textOf(`postgres/${name}/roles.sql`)),
  );
  expect(found.toSorted()).toEqual(wanted.toSorted());
  const granted = readdirSync(join(folder, 'postgres/grants')).map((file) => textOf(`postgres/grants/${file}`));
  expect(granted.toSorted()).toEqual(grants.toSorted());
  const acls = blocksOf('database-roles', '').flatMap((block) => block.trim().split('\n'));
  expect(textOf('kafka/acls.txt').trim().split('\n')).toEqual(acls.map((line) => line.replace('kafka-acls.sh ', '')));
});
