import { waitFor } from '@catalogue/testing';
import type { Bed } from '../bed.ts';
import { percentile } from '../percentile.ts';
import { createAndSee } from '../visibility.ts';
import { memory, type Scenario } from './scenario.ts';

const samples = 50;
const warmUp = 100;

/** The way of a lone product through the whole system. */
export const visibility: Scenario = {
  name: 'visibility',
  title: `A lone product: POST sent until a GET shows it, ${samples} in sequence`,
  mode: 'whole',
  targets: [{ figure: 'answered' }],
  measure: async ({ system }) => {
    // The broker's JVM and the services compile what they run often: the first hundred are not what users meet.
    for (let i = 0; i < warmUp; i++) await createAndSee(system);
    const times: { written: number; visible: number }[] = [];
    for (let i = 0; i < samples; i++) times.push(await createAndSee(system));
    const written = times.map((time) => time.written);
    const visible = times.map((time) => time.visible);
    return {
      p50: percentile(visible, 50),
      p90: percentile(visible, 90),
      p99: percentile(visible, 99),
      max: percentile(visible, 100),
      answered: percentile(written, 50),
    };
  },
};

/** New products while relay and worker run, and how far behind these are at its end. */
export const wholeCreates: Scenario = {
  name: 'whole-creates-32',
  title: 'Creates, 32 connections, relay and worker running',
  mode: 'whole',
  targets: [
    { figure: 'perSecond', atLeast: 10_400 },
    { figure: 'perSecond', of: 'commits-32' },
    { figure: 'perSecond', of: 'route-32' },
    { figure: 'unrelayed' },
    { figure: 'relayed', atMost: 5 },
    { figure: 'unshown' },
    { figure: 'shown' },
    memory,
  ],
  measure: async (bed) => {
    await bed.checkpoint();
    const before = await shownProducts(bed);
    const { measured, acknowledged } = await bed.load({ connections: 32, requests: { kind: 'create' } });
    const ended = performance.now();
    const unrelayed = await unrelayedEvents(bed);
    const wanted = before + acknowledged;
    const unshown = wanted - (await shownProducts(bed));
    const [relayed, shown] = await Promise.all([
      secondsUntil('the relay to have sent all', ended, async () => (await unrelayedEvents(bed)) === 0),
      secondsUntil('every product to be shown', ended, async () => (await shownProducts(bed)) >= wanted),
    ]);
    return { ...measured, unrelayed, relayed, unshown, shown };
  },
};

/** Seldom enough that asking does not slow down what is waited for. */
async function secondsUntil(what: string, since: number, ask: () => Promise<boolean>): Promise<number> {
  await waitFor(what, ask, { within: 120_000, every: 100 });
  return (performance.now() - since) / 1000;
}

async function unrelayedEvents({ writeDb }: Bed): Promise<number> {
  const [row] = await writeDb<{ events: number }[]>`
    select count(*) as events from events
    where (transaction_id, position) >
      (select transaction_id, position from cursors where reader = 'outbox-relay')`;
  return row?.events ?? 0;
}

async function shownProducts({ readDb }: Bed): Promise<number> {
  const [row] = await readDb<{ products: number }[]>`select count(*) as products from products_read`;
  return row?.products ?? 0;
}
