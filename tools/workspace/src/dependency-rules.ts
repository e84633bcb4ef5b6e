import type { Package } from './packages.ts';

/** Libraries that only their owners may import, so that they can be exchanged. */
const owners: Record<string, string[]> = {
  '@confluentinc/kafka-javascript': ['libs/kafka'],
  fastify: ['libs/service'],
  jose: ['libs/service', 'tools/testing'],
  pino: ['libs/service'],
  'prom-client': ['libs/service'],
  postgres: ['libs/postgres'],
  // Each service declares its own tables.
  'drizzle-orm': ['libs/projection-schema', 'libs/read-schema', 'libs/projection', 'libs/postgres', 'apps'],
};

/**
 * The sides that each side may depend on. Write and read side meet only in Kafka. A process manager reads events and
 * sends commands, and keeps a log of its own events, so it may use libraries of both sides; it shares no database with
 * either.
 */
const allowed: Record<string, string[]> = {
  write: ['write', 'shared'],
  read: ['read', 'shared'],
  process: ['write', 'read', 'shared'],
  shared: ['shared'],
  tool: ['write', 'read', 'process', 'shared', 'tool'],
};

const appTargets = ['build', 'serve', 'test', 'int', 'image'];

/** Every rule that these packages break, a sentence each. */
export function brokenRules(packages: readonly Package[]): string[] {
  return [...packages.flatMap((one) => brokenBy(one, packages)), ...cycles(packages)];
}

/** The fault of a package's import in a file; undefined without one. */
export function brokenByImport({ file, imported }: { file: string; imported: string }): string | undefined {
  const owner = owners[imported];
  if (owner === undefined || owner.some((folder) => file.startsWith(`${folder}/`))) return undefined;
  return `${file} imports ${imported}, which is for ${owner.join(' and ')} only.`;
}

function brokenBy(one: Package, packages: readonly Package[]): string[] {
  const broken: string[] = [];
  const mayUse = allowed[one.side ?? ''];
  if (mayUse === undefined)
    return [`${one.folder} needs one of the tags side:${Object.keys(allowed).join(', side:')}.`];
  if ((one.side === 'tool') !== (one.kind === 'tools')) broken.push(`${one.folder} has the tag side:${one.side}.`);
  if (one.kind === 'apps') {
    const missing = appTargets.filter((target) => !one.targets.includes(target));
    if (missing.length > 0) broken.push(`${one.folder} lacks the targets ${missing.join(', ')}.`);
  }
  for (const name of [...one.dependencies, ...one.devDependencies]) {
    const misused = brokenByImport({ file: `${one.folder}/package.json`, imported: name });
    if (misused !== undefined) broken.push(misused.replace('imports', 'depends on'));

    const other = packages.find((candidate) => candidate.name === name);
    if (other === undefined) continue;
    if (one.kind !== 'tools' && other.kind === 'apps') broken.push(`${one.folder} depends on ${other.folder}, an app.`);
    // The tests of every side may start real servers.
    if (other.side === 'tool' && one.devDependencies.includes(name)) continue;
    if (!mayUse.includes(other.side ?? ''))
      broken.push(`${one.folder} (side:${one.side}) depends on ${other.folder} (side:${other.side}).`);
  }
  return broken;
}

/** Through `dependencies` only: tests of a library may use a library that depends on it. */
function cycles(packages: readonly Package[]): string[] {
  const folders = new Map(packages.map(({ name, folder }) => [name, folder]));
  const arrows = packages.map(({ folder, dependencies }): [string, Set<string>] => [
    folder,
    new Set(dependencies.map((name) => folders.get(name) ?? name)),
  ]);
  return onCircles(new Map(arrows)).map((folder) => `${folder} depends, in the end, on itself.`);
}

/** The nodes that lie on a circle. */
export function onCircles(arrows: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const leads = (from: string, to: string, seen = new Set<string>()): boolean =>
    [...(arrows.get(from) ?? [])].some((next) => next === to || (!seen.has(next) && leads(next, to, seen.add(next))));
  return [...arrows.keys()].filter((node) => leads(node, node));
}
