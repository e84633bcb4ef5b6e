import { waitFor } from '@catalogue/testing';
import { expect, test } from 'vitest';
import { Load } from './load.ts';
import { findViolations } from './oracle.ts';
import { Checkouts, releasedCommit } from './previous-release.ts';
import { System } from './system.ts';

/** In the order in which they are brought to a new release: writers of events after their readers. */
const services = ['query-worker', 'query-api', 'outbox-relay', 'command-api'] as const;

test('the release in use runs on the new schema, beside the new release, while one service after another is upgraded', async () => {
  using checkouts = new Checkouts();
  await using system = await System.start();
  const { checkout: present } = system.services['command-api'];
  for (const name of services) {
    const service = system.services[name];
    await service.stop();
    service.checkout = await checkouts.of(await releasedCommit(name));
    await service.start();
  }
  const load = new Load(system.client({ readYourWrites: false }), 2);
  const goesOn = async (after: string) => {
    const before = load.acknowledged;
    await waitFor(`commands to go on after ${after}`, () => load.acknowledged > before + 50, { within: 30_000 });
  };
  await goesOn('the release in use was started on the new schema');
  for (const name of services) {
    const service = system.services[name];
    expect(await service.stop()).toBe(0);
    service.checkout = present;
    await service.start();
    await goesOn(`${name} was upgraded`);
  }
  await load.stop();
  const { violations } = await findViolations(system, load.told);
  expect(violations).toEqual([]);
}, 180_000);
