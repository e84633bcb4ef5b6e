import type { Package } from './packages.ts';

/** The libraries that only their owners may import: to the rest of the code, what is behind them can be exchanged. */
const owners: Record<string, string[]> = {
  '@confluentinc/kafka-javascript': ['libs/kafka'],
  fastify: ['libs/service'],
  pino: ['libs/service'],
  'prom-client': ['libs/service'],
  postgres: ['libs/postgres'],
  'drizzle-orm': ['libs/read-schema', 'libs/postgres'],
};

/** What each side may depend on. Reading and writing meet in Kafka and nowhere else. */
const allowed: Record<string, string[]> = {
  write: ['write', 'shared'],
  read: ['read', 'shared'],
  shared: ['shared'],
  tool: ['write', 'read', 'shared', 'tool'],
};

const appTargets = ['build', 'serve', 'test', 'int', 'image'];

/** Every rule that these packages break, a sentence each. */
export function brokenRules(packages: readonly Package[]): string[] {
  return [...packages.flatMap((one) => brokenBy(one, packages)), ...cycles(packages)];
}

/** What is wrong with the import of a package in a file; undefined when nothing is. */
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
    // The tests of any side may start real servers.
    if (other.side === 'tool' && one.devDependencies.includes(name)) continue;
    if (!mayUse.includes(other.side ?? ''))
      broken.push(`${one.folder} (side:${one.side}) depends on ${other.folder} (side:${other.side}).`);
  }
  return broken;
}

/** Through `dependencies` only: the tests of a library may use one that is built on it. */
function cycles(packages: readonly Package[]): string[] {
  const folders = new Map(packages.map(({ name, folder }) => [name, folder]));
  const arrows = packages.map(({ folder, dependencies }): [string, Set<string>] => [
    folder,
    new Set(dependencies.map((name) => folders.get(name) ?? name)),
  ]);
  return onCircles(new Map(arrows)).map((folder) => `${folder} depends, in the end, on itself.`);
}

/** The nodes from which arrows lead back to themselves. */
export function onCircles(arrows: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const leads = (from: string, to: string, seen = new Set<string>()): boolean =>
    [...(arrows.get(from) ?? [])].some((next) => next === to || (!seen.has(next) && leads(next, to, seen.add(next))));
  return [...arrows.keys()].filter((node) => leads(node, node));
}
