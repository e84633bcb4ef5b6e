import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { passwordOf } from './password.ts';

const folder = mkdtempSync(join(tmpdir(), 'password-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'address file');

test('an address without a file stays as it is', () => {
  expect(passwordOf('postgres://user:secret@db/catalogue?a=1')).toEqual({
    dsn: 'postgres://user:secret@db/catalogue?a=1',
  });
});

test('the password of each connection is the one in the file, and the last known one while the file has none', async () => {
  const address = `postgres://user:fir%3Ast@db/catalogue?a=1&address_file=${encodeURIComponent(file)}`;
  const { dsn, password } = passwordOf(address);
  expect(dsn).toBe('postgres://user:fir%3Ast@db/catalogue?a=1');
  expect(await password?.()).toBe('fir:st');
  writeFileSync(file, 'postgres://user:second@db/catalogue\n');
  expect(await password?.()).toBe('second');
  // The fourth is the beginning of an address with the password 5432: the host is `user`.
  for (const text of ['', 'postgres', 'postgres://user:%zz@db/catalogue', 'postgres://user:54', 'postgres://user@db']) {
    writeFileSync(file, text);
    expect(await password?.()).toBe('second');
  }
});

test('an address without a password leaves it to PGPASSWORD, although it comes from a file', () => {
  writeFileSync(file, 'postgres://user@db/catalogue');
  expect(passwordOf(`postgres://user@db/catalogue?a=1&address_file=${encodeURIComponent(file)}`)).toEqual({
    dsn: 'postgres://user@db/catalogue?a=1',
  });
});
