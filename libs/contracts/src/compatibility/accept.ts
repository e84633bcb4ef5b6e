// npm run contracts:accept: records the current schemas as released, and prints the breaks that it accepts.
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { contract } from './contract.ts';
import { findBreaks, isObsolete, schemasToRecord } from './gate.ts';
import { eventReference } from './reference.ts';
import { readRelease, schemasFolder } from './release.ts';

const page = new URL('../../../../docs/reference/event-fields.md', import.meta.url);

const release = readRelease();
const { unfinished, breaking } = findBreaks(release, contract);

if (unfinished.length > 0) {
  process.stderr.write(`Nothing was recorded:\n${list(unfinished)}`);
  process.exitCode = 1;
} else {
  if (breaking.length > 0) process.stdout.write(`Accepted, though it breaks readers:\n${list(breaking)}`);
  const recorded = record();
  process.stdout.write(recorded.length > 0 ? `Recorded:\n${list(recorded)}` : 'Every schema is as recorded.\n');
  writeFileSync(page, eventReference(release.samples));
  format();
}

/** The files written or removed. Unchanged files and those of older versions are left alone. */
function record(): string[] {
  const written = [...schemasToRecord(contract)]
    .map(([name, schema]) => ({ name, text: JSON.stringify(schema, null, 2) }))
    .filter(({ name, text }) => !isDeepStrictEqual(release.schemas.get(name), JSON.parse(text)));
  for (const { name, text } of written) writeFileSync(new URL(`${name}.json`, schemasFolder), text);
  const obsolete = [...release.schemas.keys()].filter((name) => isObsolete(name, contract));
  for (const name of obsolete) rmSync(new URL(`${name}.json`, schemasFolder));
  return [...written.map(({ name }) => `${name}.json`), ...obsolete.map((name) => `${name}.json (removed)`)];
}

/** `npm run check` requires formatted files. */
function format(): void {
  const { status, stderr, error } = spawnSync('biome', [
    'format',
    '--write',
    fileURLToPath(schemasFolder),
    fileURLToPath(page),
  ]);
  if (status !== 0)
    throw new Error(`biome could not format the schemas and their page: ${error?.message ?? stderr.toString()}`);
}

function list(lines: readonly string[]): string {
  return lines.map((line) => `  ${line}\n`).join('');
}
