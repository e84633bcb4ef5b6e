import { readdirSync, readFileSync } from 'node:fs';
import type { Schema } from './breakage.ts';
import type { Release } from './gate.ts';

export const schemasFolder = new URL('../../schemas/', import.meta.url);
const samplesFolder = new URL('../../samples/', import.meta.url);

/** The recorded schemas and samples. */
export function readRelease(): Release {
  const read = (name: string) => JSON.parse(readFileSync(new URL(`${name}.json`, schemasFolder), 'utf8')) as Schema;
  return {
    schemas: new Map(namesIn(schemasFolder).map((name) => [name, read(name)])),
    samples: new Set(namesIn(samplesFolder)),
  };
}

function namesIn(folder: URL): string[] {
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
  return files.map((file) => file.slice(0, -'.json'.length)).toSorted();
}
