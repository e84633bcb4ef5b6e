import { expect, test } from 'vitest';
import { round } from './round.ts';
import { System } from './system.ts';

test('whatever is killed or taken away under load, every acknowledged command is read back, once and in order', async () => {
  await using system = await System.start();
  const { violations, acknowledged } = await round(system, { kafkaAway: 3_000 });
  expect(violations).toEqual([]);
  expect(acknowledged).toBeGreaterThan(400);
}, 180_000);
