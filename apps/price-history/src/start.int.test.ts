import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createDatabase } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { migratePrices } from './tables/migrate.ts';

const servers = inject('servers');

/** Runs a program of the service to its end, with these settings only. */
function run(program: string, settings: Record<string, string>, ...args: string[]) {
  const path = fileURLToPath(new URL(program, import.meta.url));
  const env = { PATH: process.env['PATH'] ?? '', ...settings };
  const flags = ['--conditions=@catalogue/source', path, ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, flags, { env, encoding: 'utf8', timeout: 60_000 });
  return { status, stdout, stderr };
}

test.each([
  ['{"DE": {"zone": "Europe/Berlin", "rules": ["lowest"]}}', 'has an unknown rule "lowest" in market DE'],
  ['{"DE": {"zone": "Europe/Bonn"}}', 'has an unknown zone "Europe/Bonn" in market DE'],
])('the service does not start with the markets %s: one line says why', (markets, fault) => {
  const settings = {
    AUTH: 'off',
    PRICES_DB_DSN: servers.readDb,
    KAFKA_BROKER: servers.kafka,
    PRICE_MARKETS: markets,
  };
  for (const program of ['main.ts', 'cli.ts']) {
    const { status, stderr } = run(program, settings, 'lag');
    expect(stderr.trimEnd().split('\n')).toEqual([expect.stringContaining(`PRICE_MARKETS ${fault}`)]);
    expect(status).toBe(78);
  }
});

test('migrations do nothing without a database, and say so', () => {
  const { status, stdout } = run('migrate.ts', {});
  expect(status).toBe(0);
  expect(stdout).toContain('PRICES_DB_DSN is not set: no database of price-history is migrated');
});

test('the tool loads prices from a file, and says in one line why it does not', async () => {
  await using db = await createDatabase(servers.readDb, migratePrices);
  const fixture = fileURLToPath(new URL('../test/older-prices.csv', import.meta.url));
  const loaded = run('load-prices.ts', { PRICES_DB_DSN: db.dsn }, fixture);
  expect(loaded).toMatchObject({
    stderr: '',
    status: 0,
    stdout: expect.stringMatching(/^Loaded 3 prices\./) as string,
  });
  const refused = run('load-prices.ts', { PRICES_DB_DSN: db.dsn }, fileURLToPath(import.meta.url));
  expect(refused.status).toBe(1);
  expect(refused.stderr).toMatch(
    /^.*start\.int\.test\.ts was not loaded: line 1: the header must begin with [^\n]*\n$/,
  );
  expect(run('load-prices.ts', { PRICES_DB_DSN: db.dsn }, '/nowhere.csv')).toMatchObject({ status: 1 });
  expect(await db.sql`select count(*)::int as rows from loaded_prices`).toEqual([{ rows: 3 }]);
});
