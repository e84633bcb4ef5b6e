import { randomUUID } from 'node:crypto';
import { encodeToken } from '@catalogue/contracts';
import { connect } from '@catalogue/postgres';
import { migrateReadModel } from '@catalogue/read-schema';
import { createDatabase } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { openStream } from '../test/event-source.ts';
import { addGeneration, project, startQueryApi, switchTo } from '../test/fixture.ts';

test('a role with read access is enough, also for later generations', async () => {
  await using db = await createDatabase(inject('servers').readDb, migrateReadModel);
  const role = `reader_${randomUUID().replaceAll('-', '')}`;
  // As in docs/how-to/database-roles.md.
  await db.sql.unsafe(`
    create role ${role} login;
    grant select on all tables in schema public to ${role};
    alter default privileges in schema public grant select on tables to ${role}`);
  const dsn = Object.assign(new URL(db.dsn), { username: role }).href;
  const id = randomUUID();
  try {
    await addGeneration(db.sql, 2);
    await project(db.sql, [{ id, version: 1, name: 'Keyboard' }], 2);
    await using api = await startQueryApi(dsn);
    await api.ready();
    await switchTo(db.sql, 2);
    const get = async (path: string, headers: Record<string, string> = {}) =>
      (await fetch(api.url + path, { headers })).json();
    expect(await get(`/products/${id}`)).toMatchObject({ name: 'Keyboard' });
    expect(await get('/products?q=keybord&minPrice=1')).toMatchObject([{ id }]);
    using stream = await openStream(`${api.url}/products/stream`);
    const waiting = get(`/products/${id}`, { 'consistency-token': encodeToken({ id, version: 2 }), prefer: 'wait=10' });
    await api.waiting(1);
    await project(db.sql, [{ id, version: 2, name: 'Keyboard', price: 2 }], 2);
    expect(await waiting).toMatchObject({ price: 2 });
    await stream.received(1);
    const sql = connect(dsn, { name: 'test', max: 1 });
    await expect(sql`delete from products`).rejects.toThrow(/permission denied/);
    await sql.end();
  } finally {
    await db.sql.unsafe(`drop owned by ${role}; drop role ${role}`);
  }
});
