import { createLogger } from '@catalogue/service';
import { expect, test } from 'vitest';
import { MemoryLog } from '../../test/memory-log.ts';
import { ChangeFeed } from '../changes/feed.ts';
import { ProductCache } from './product-cache.ts';

/** A cache of the products with these ids, and the ids that were read. */
async function start(...ids: string[]) {
  const log = new MemoryLog();
  const feed = new ChangeFeed(log.asLog, createLogger('test', 'silent'));
  await feed.current();
  const reads: string[] = [];
  const cache = new ProductCache(
    feed,
    (id) => {
      reads.push(id);
      return Promise.resolve({ row: ids.includes(id) ? { id } : undefined, from: feed.position });
    },
    ({ id }) => `shown ${id}`,
  );
  return { log, feed, cache, reads };
}

test('a product is read again only after a change of it, or of the generation', async () => {
  const { log, feed, cache, reads } = await start('a');
  const find = async () => {
    await feed.current();
    return (await cache.findNow('a')).shown;
  };
  for (let i = 0; i < 3; i++) expect(await find()).toBe('shown a');
  expect(reads).toEqual(['a']);
  log.append('b');
  await find();
  expect(reads).toEqual(['a']);
  log.append('a', 2);
  await find();
  expect(reads).toEqual(['a', 'a']);
  log.switchGeneration();
  await find();
  expect(reads).toEqual(['a', 'a', 'a']);
});

test('an id with NUL is not looked up', async () => {
  const { cache, reads } = await start();
  expect([(await cache.findNow('a\0')).shown, reads]).toEqual([undefined, []]);
});

const ours = '019d2f10-6f29-7d11-9c0b-7e6d5c4b3a29';

test('a UUID in upper case finds the product in lower case, and its own first', async () => {
  const upper = ours.toUpperCase();
  const { cache } = await start(ours);
  expect((await cache.findByAnyForm(upper)).shown).toBe(`shown ${ours}`);
  const both = await start(ours, upper);
  expect((await both.cache.findByAnyForm(upper)).shown).toBe(`shown ${upper}`);
});

test('an id that is not a UUID has to match exactly', async () => {
  const { cache, reads } = await start('sku-7');
  expect((await cache.findByAnyForm('SKU-7')).shown).toBeUndefined();
  expect(reads).toEqual(['SKU-7']);
});
