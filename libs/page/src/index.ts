import { readdir, readFile } from 'node:fs/promises';
import { type Page, typeOf } from './page.ts';

export type { Page, PageFile } from './page.ts';

const built = new URL('page/', import.meta.url);

/** The built page. */
export async function loadPage(): Promise<Page> {
  const names = (await readdir(built)).filter((name) => name !== 'index.html');
  const files = names.map(async (name) => ({
    name,
    type: typeOf(name),
    content: await readFile(new URL(name, built)),
  }));
  return { document: await readFile(new URL('index.html', built), 'utf8'), files: await Promise.all(files) };
}
