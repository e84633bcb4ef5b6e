import { expect, test } from 'vitest';
import { round } from './round.ts';
import { System } from './system.ts';

// A minute of it in CI: FAULTS_FOR=60000.
const kafkaAway = Number(process.env['FAULTS_FOR'] ?? 3_000);

test('every acknowledged command is read back once and in order, whatever is killed or cut off under load', async () => {
  await using system = await System.start({ withPrices: true, withPromotions: true, withPromotionEvents: true });
  const { violations, acknowledged } = await round(system, { kafkaAway });
  expect(violations).toEqual([]);
  expect(acknowledged).toBeGreaterThan(400);
}, 600_000);
