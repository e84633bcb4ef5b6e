// Writes the page into dist, for `loadPage` of index.ts.
import { mkdir, writeFile } from 'node:fs/promises';
import { bundlePage } from './bundle.ts';

const folder = new URL('../dist/page/', import.meta.url);
const { document, files } = await bundlePage();
await mkdir(folder, { recursive: true });
await writeFile(new URL('index.html', folder), document);
for (const { name, content } of files) await writeFile(new URL(name, folder), content);
