import { createMetrics } from '@catalogue/service';
import { expect, test } from 'vitest';
import { commandMetrics } from './metrics.ts';

test('failed commands are counted from 0, so that the rate shows the first one', async () => {
  const registry = createMetrics('test');
  const { ended } = commandMetrics(registry, () => 0);
  const failed = async () => {
    const found = (await registry.metrics()).matchAll(/^commands_total\{type="(\w+)",outcome="failed",.*\} (\d+)$/gm);
    return Object.fromEntries([...found].map(([, type, count]) => [type, count]));
  };
  expect(await failed()).toEqual({ create: '0', change: '0', discontinue: '0' });
  ended('change', 'failed');
  expect(await failed()).toEqual({ create: '0', change: '1', discontinue: '0' });
});
