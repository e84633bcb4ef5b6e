import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { root } from './service-process.ts';

/** What the tests use of a service in a compose file. */
export interface ComposeService {
  image: string;
  command?: string[];
  /** Null is an empty text. */
  environment?: Record<string, string | null>;
  /** `source:target` or `source:target:ro`; a source that begins with `./` is of this checkout. */
  volumes?: string[];
  ports?: string[];
  networks?: string[];
  depends_on?: Record<string, { condition: 'service_healthy' | 'service_completed_successfully' }>;
}

export interface ComposeFile {
  services: Record<string, ComposeService>;
  volumes: Record<string, unknown>;
  networks: Record<string, unknown>;
}

/** Reads a compose file of this checkout as compose does: with its anchors, and `${NAME:-default}` replaced. */
export function readComposeFile(name: string, variables: Readonly<Record<string, string>> = {}): ComposeFile {
  const text = readFileSync(join(root, name), 'utf8')
    .replaceAll(/\$\{(\w+):-([^}]*)\}/g, (_, variable: string, fallback: string) => variables[variable] ?? fallback)
    .replaceAll('$$', '$');
  return parse(text, { merge: true }) as ComposeFile;
}
