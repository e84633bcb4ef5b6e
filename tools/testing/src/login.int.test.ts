import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@catalogue/postgres';
import { expect, onTestFinished, test } from 'vitest';
import { createLogin } from './login.ts';
import { startOwnPostgres } from './own-postgres.ts';

test('a pool goes on with the password that the file has after it was changed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'password-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  await using server = await startOwnPostgres();
  const login = await createLogin(server.dsn('postgres'), 'service', 'first');
  const file = join(folder, 'address');
  writeFileSync(file, login.dsn);
  const sql = connect(`${login.dsn}?address_file=${encodeURIComponent(file)}`, { name: 'test', max: 1 });
  onTestFinished(() => sql.end({ timeout: 1 }));
  expect(await sql`select 1 as one`).toEqual([{ one: 1 }]);
  await login.change('second');
  await expect
    .poll(async () => await sql`select 1`.then(() => 'admitted', String))
    .toMatch('password authentication failed');
  writeFileSync(file, login.dsn.replace(':first@', ':second@'));
  await expect.poll(async () => await sql`select 1 as one`.catch(() => [])).toEqual([{ one: 1 }]);
});
