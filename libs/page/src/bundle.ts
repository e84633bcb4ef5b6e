import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type Page, typeOf } from './page.ts';

const browser = fileURLToPath(new URL('../browser/', import.meta.url));

/**
 * Bundles the page from its source: a script, its shared worker, a style sheet and an icon, each named by its content.
 * Takes 50 ms.
 */
export async function bundlePage(): Promise<Page> {
  const { outputFiles, metafile } = await build({
    entryPoints: ['main.ts', 'stream-worker.ts', 'style.css', 'icon.svg'],
    absWorkingDir: browser,
    outdir: 'out',
    entryNames: '[name]-[hash]',
    loader: { '.svg': 'copy' },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    conditions: ['@catalogue/source'],
    charset: 'utf8',
    legalComments: 'none',
    metafile: true,
    write: false,
  });
  const files = outputFiles.map(({ path, contents }) => {
    const name = basename(path);
    return { name, type: typeOf(name), content: contents };
  });
  const names = new Map(
    Object.entries(metafile.outputs).map(([path, { entryPoint, inputs }]) => [
      entryPoint ?? Object.keys(inputs)[0] ?? '',
      basename(path),
    ]),
  );
  const source = await readFile(`${browser}index.html`, 'utf8');
  const document = source.replaceAll(/\{\{file:([^{}]+)\}\}/g, (_, file: string) => {
    const name = names.get(file);
    if (name === undefined) throw new Error(`index.html names ${file}, which is not built`);
    return `/page/${name}`;
  });
  return { document, files };
}
