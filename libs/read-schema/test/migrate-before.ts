import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { migrate } from '@catalogue/postgres';

/** The first migration that the release in use does not have: it has those before. */
export const firstOfThisRelease = 'parked_in_pieces';

/** Brings a database to where it was before the migration of this name. */
export async function migrateBefore(dsn: string, name: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'migrations-'));
  try {
    cpSync(new URL('../migrations', import.meta.url), folder, { recursive: true });
    const file = join(folder, 'meta', '_journal.json');
    const journal = JSON.parse(readFileSync(file, 'utf8')) as { entries: { tag: string }[] };
    const end = journal.entries.findIndex(({ tag }) => tag.endsWith(name));
    writeFileSync(file, JSON.stringify({ ...journal, entries: journal.entries.slice(0, end) }));
    await migrate(dsn, pathToFileURL(folder));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
