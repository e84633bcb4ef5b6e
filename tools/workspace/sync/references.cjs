// An Nx sync generator (CommonJS, because Nx loads it with require): `references` in every package's tsconfig.json are
// the workspace packages in its `dependencies`. Not those in devDependencies: only tests use them, and no test is built.
const { posix } = require('node:path');

/**
 * @param {{ children(folder: string): string[], exists(path: string): boolean,
 *   read(path: string, encoding: 'utf8'): string, write(path: string, content: string): void }} tree
 */
module.exports = async function references(tree) {
  const json = (path) => JSON.parse(tree.read(path, 'utf8'));
  const folders = ['apps', 'libs', 'tools'].flatMap((parent) =>
    tree.children(parent).map((name) => `${parent}/${name}`),
  );
  const packages = folders.filter((folder) => tree.exists(`${folder}/package.json`));
  const built = packages.filter((folder) => tree.exists(`${folder}/tsconfig.json`));
  const folderOf = new Map(built.map((folder) => [json(`${folder}/package.json`).name, folder]));

  const outOfSyncDetails = [];
  for (const folder of built) {
    const dependencies = Object.keys(json(`${folder}/package.json`).dependencies ?? {}).toSorted();
    const wanted = dependencies
      .filter((name) => folderOf.has(name))
      .map((name) => ({ path: posix.relative(folder, folderOf.get(name)) }));
    const tsconfig = json(`${folder}/tsconfig.json`);
    if (JSON.stringify(tsconfig.references) === JSON.stringify(wanted)) continue;
    tree.write(`${folder}/tsconfig.json`, `${JSON.stringify({ ...tsconfig, references: wanted }, null, 2)}\n`);
    outOfSyncDetails.push(`${folder}/tsconfig.json`);
  }
  return {
    outOfSyncMessage: 'References in tsconfig.json are not the dependencies in package.json:',
    outOfSyncDetails,
  };
};
