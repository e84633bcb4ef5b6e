import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { connect } from './connect.ts';
import { requireLogin } from './require-login.ts';

const folder = () => {
  const made = mkdtempSync(join(tmpdir(), 'certificate-'));
  onTestFinished(() => rmSync(made, { recursive: true }));
  return made;
};

/** What a start with these parameters of TLS writes; no server listens. */
async function warningOf(parameters: string): Promise<string> {
  const written: unknown[] = [];
  const spy = vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(text) > 0);
  const sql = connect(`postgres://u@127.0.0.1:1/catalogue?${parameters}`, { name: 'test' });
  try {
    await requireLogin(sql, 'WRITE_DB_DSN');
    return written.join('');
  } finally {
    spy.mockRestore();
    await sql.end({ timeout: 0 });
  }
}

test('a start warns of every mode that does not verify the server, with a client certificate, too', async () => {
  const file = join(folder(), 'client.pem');
  writeFileSync(file, 'a certificate or a key');
  const own = `sslcert=${file}&sslkey=${file}`;
  const unsafe = ['sslmode=allow', 'sslmode=prefer', 'sslmode=require', `sslmode=require&${own}`];
  for (const parameters of unsafe)
    expect(await warningOf(parameters)).toContain('WRITE_DB_DSN has an sslmode that does not verify the server');
  const safe = ['', `sslmode=verify-full&sslrootcert=${file}&${own}`, `sslmode=require&sslrootcert=${file}`];
  for (const parameters of safe) expect(await warningOf(parameters)).toBe('');
});
