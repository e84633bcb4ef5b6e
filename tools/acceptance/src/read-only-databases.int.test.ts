import { connect, type Sql } from '@catalogue/postgres';
import { waitFor } from '@catalogue/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { System } from './system.ts';

let system: System;
beforeAll(async () => {
  system = await System.start();
});
afterAll(() => system?.[Symbol.asyncDispose]());

async function create(): Promise<Response> {
  return await fetch(`${system.services['command-api'].url}/products`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Mouse', price: 1 }),
  });
}

/** Whether a product is shown by query-api: it went through every service. */
async function isShown(location: string | null): Promise<boolean> {
  const answer = await fetch(`${system.services['query-api'].url}${location}`);
  await answer.body?.cancel();
  return answer.ok;
}

/** A database that begins its sessions as read-only; those that are there are ended, so that all are of that kind. */
async function makeReadOnly(sql: Sql): Promise<void> {
  const [row] = await sql<{ name: string }[]>`select current_database() as name`;
  await sql`alter database ${sql(row?.name ?? '')} set default_transaction_read_only = on`;
  await sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`;
}

async function makeWritable(sql: Sql): Promise<void> {
  const [row] = await sql<{ name: string }[]>`select current_database() as name`;
  await sql`alter database ${sql(row?.name ?? '')} reset default_transaction_read_only`;
}

test('every service writes again to a database that was read-only for a while, without a restart', async () => {
  const writeDb = connect(system.writeDb, { name: 'acceptance', max: 1 });
  const readDb = connect(system.readDb, { name: 'acceptance', max: 1 });
  const first = await create();
  expect(first.status).toBe(201);
  await waitFor('the first product', () => isShown(first.headers.get('location')));

  await makeReadOnly(readDb);
  const second = await create();
  expect(second.status).toBe(201);
  await waitFor('the worker to notice', async () => !(await system.services['query-worker'].isReady()));
  await makeReadOnly(writeDb);
  const asked = Promise.all(Array.from({ length: 50 }, create));
  const refused = (await asked).map(({ status, headers }) => `${status} ${headers.get('retry-after')}`);
  expect(new Set(refused)).toEqual(new Set(['503 1']));
  for (const name of ['command-api', 'outbox-relay'] as const) {
    await waitFor(`${name} to notice`, async () => !(await system.services[name].isReady()));
  }

  await Promise.all([makeWritable(writeDb), makeWritable(readDb)]);
  const third = await waitFor('commands to go on', async () => {
    const answer = await create();
    return answer.status === 201 && answer;
  });
  for (const { headers } of [second, third]) {
    await waitFor('the products', () => isShown(headers.get('location')));
  }
  await waitFor('all to be ready', async () => {
    const ready = await Promise.all(system.running.map((service) => service.isReady()));
    return !ready.includes(false);
  });
  // On whichever connection: none is left that takes no writes.
  expect(new Set((await Promise.all(Array.from({ length: 50 }, create))).map(({ status }) => status))).toEqual(
    new Set([201]),
  );
  await Promise.all([writeDb.end(), readDb.end()]);
});
