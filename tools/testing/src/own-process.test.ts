import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { argumentsOfImage, mallocOfImage } from './own-process.ts';

const folderOf = (app: string) => fileURLToPath(new URL(`../../../apps/${app}/`, import.meta.url));

test('the arguments and the variables of malloc are those of the image', () => {
  const image = (app: string) => ({ args: argumentsOfImage(folderOf(app)), malloc: mallocOfImage(folderOf(app)) });
  expect(image('query-worker')).toMatchObject({ malloc: { MALLOC_ARENA_MAX: '1' } });
  expect(image('query-worker').args).toContain('--max-semi-space-size=8');
  expect(image('command-api').malloc).toEqual({});
});
