import { waitFor } from '@catalogue/testing';
import { expect, test } from 'vitest';
import { addBystanders, LockWaits, Reading, removeBystanders } from './during-migration.ts';
import { Load } from './load.ts';
import { findViolations } from './oracle.ts';
import { Checkouts, releaseInUse } from './previous-release.ts';
import { root } from './service-process.ts';
import { System } from './system.ts';

/** In the order in which they are brought to a new release: writers of events after their readers. */
const services = ['query-worker', 'query-api', 'outbox-relay', 'command-api'] as const;

test('the release in use goes on while its tables are migrated, and then while one service after another is upgraded', async () => {
  using checkouts = new Checkouts();
  const inUse = await checkouts.of(await releaseInUse());
  await using system = await System.start({ checkout: inUse });
  await addBystanders(system.readDb, 50_000);
  const load = new Load(system.client({ readYourWrites: false }), 2);
  const goesOn = async (after: string) => {
    const before = load.acknowledged;
    await waitFor(`commands to go on after ${after}`, () => load.acknowledged > before + 50);
  };
  await goesOn('the release in use was started');

  await using waits = new LockWaits(system.readDb, 1_000);
  await using reading = new Reading(system.services['query-api'].url);
  await system.migrate();
  await goesOn('the migration');
  const { failures, answers } = await reading.stop();
  expect(failures).toEqual([]);
  expect(answers).toBeGreaterThan(0);
  expect(await waits.stop()).toEqual([]);
  expect(system.services['query-worker'].log).not.toContain('The read database failed');
  // Its tool does not know all tables that belong to a generation.
  await system.run('query-worker', 'worker', ['rebuild', 'start'], system.settings, inUse);
  await system.run('query-worker', 'worker', ['rebuild', 'drop', '2'], system.settings, inUse);

  for (const name of services) {
    const service = system.services[name];
    expect(await service.stop()).toBe(0);
    service.checkout = root;
    await service.start();
    await goesOn(`${name} was upgraded`);
  }
  await load.stop();
  await removeBystanders(system.readDb);
  const { violations } = await findViolations(system, load.told);
  expect(violations).toEqual([]);
}, 600_000);
