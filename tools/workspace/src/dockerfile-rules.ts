import type { Package } from './packages.ts';

/**
 * The faults of an app's Dockerfile, a sentence each. It copies the app's packages one by one, so that its image is built again
 * only when one of them changes.
 */
export function brokenDockerfile(app: Package, dockerfile: string, packages: readonly Package[]): string[] {
  const needed = new Set(closure(app, packages).map(({ folder }) => folder));
  const broken: string[] = [];
  for (const [what, pattern] of [
    ['package.json of', /^COPY ([\w/-]+)\/package\.json /gm],
    ['source of', /^COPY ((?:apps|libs)\/[\w-]+)\/ /gm],
  ] as const) {
    const copied = new Set([...dockerfile.matchAll(pattern)].map(([, folder = '']) => folder));
    for (const folder of needed.difference(copied))
      broken.push(`${app.folder}/Dockerfile does not copy the ${what} ${folder}, which it depends on.`);
    for (const folder of copied.difference(needed))
      broken.push(`${app.folder}/Dockerfile copies the ${what} ${folder}, which it does not depend on.`);
  }
  return broken;
}

/** A package and its production dependencies, direct and indirect. */
function closure(one: Package, packages: readonly Package[], found = new Set<Package>()): Package[] {
  if (!found.has(one)) {
    found.add(one);
    for (const other of packages) if (one.dependencies.includes(other.name)) closure(other, packages, found);
  }
  return [...found];
}
