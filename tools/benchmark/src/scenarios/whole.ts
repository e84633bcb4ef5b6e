import type { Bed } from '../bed.ts';
import { latencyFigures, percentile } from '../percentile.ts';
import { Visitor } from '../visibility.ts';
import { secondsUntil, shownProducts, unrelayedEvents } from './behind.ts';
import { memory, rate, rateOf, type Scenario } from './scenario.ts';

const samples = 50;
const warmUp = 100;

/** A lone product through the whole system. */
export const visibility: Scenario = {
  name: 'visibility',
  title: `A lone product: POST sent until a GET shows it, ${samples} in sequence`,
  mode: 'whole',
  targets: [{ figure: 'p50', atMost: 6 }, { figure: 'p99', atMost: 15 }, { figure: 'answered' }],
  measure: async ({ system }) => {
    // The broker's JVM and the services compile hot code first, so the first hundred products are not typical.
    using visitor = await Visitor.open(system);
    for (let i = 0; i < warmUp; i++) await visitor.createAndSee();
    const times: { written: number; visible: number }[] = [];
    for (let i = 0; i < samples; i++) times.push(await visitor.createAndSee());
    const answered = times.map(({ written }) => written);
    return { ...latencyFigures(times.map(({ visible }) => visible)), answered: percentile(answered, 50) };
  },
};

/** New products while relay and worker run, and how far these are behind at the end. */
export const wholeCreates: Scenario = {
  name: 'whole-creates-32',
  title: 'Creates, 32 connections, relay and worker running',
  mode: 'whole',
  targets: [
    rate(10_400),
    rateOf('commits-32'),
    rateOf('route-32'),
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

const steadyRate = 5_000;
// Milliseconds, which add up to as much to each figure: the load of reading must stay low.
const lookIntervalMs = 5;

/** How long a client waits while other clients keep the system busy. */
export const steady: Scenario = {
  name: 'steady-5000',
  title: `${steadyRate} creates a second, relay and worker running: POST sent until a GET, every ${lookIntervalMs} ms, shows it, of others in sequence`,
  mode: 'whole',
  targets: [rate(steadyRate * 0.98), { figure: 'p50' }, { figure: 'p99', atMost: 150 }, { figure: 'shown' }, memory],
  measure: async (bed) => {
    await bed.checkpoint();
    const before = await shownProducts(bed);
    const loading = bed.load({ connections: 32, perSecond: steadyRate, requests: { kind: 'create' } });
    const seen = await seenDuring(bed, loading);
    const { measured, acknowledged } = await loading;
    const wanted = before + acknowledged + seen.length;
    const ended = performance.now();
    const isShown = async () => (await shownProducts(bed)) >= wanted;
    const shown = await secondsUntil('every product to be shown', ended, isShown);
    return { ...measured, ...latencyFigures(seen), shown };
  },
};

/** How long lone products took to be shown, one after another, during other work: in milliseconds. */
async function seenDuring({ system, times }: Bed, other: Promise<unknown>): Promise<number[]> {
  const over = new AbortController();
  // The caller handles a failure.
  other.catch(() => {}).finally(() => over.abort());
  using visitor = await Visitor.open(system);
  const warm = performance.now() + times.warmUp;
  const seen: { visible: number; at: number }[] = [];
  while (!over.signal.aborted)
    seen.push({ at: performance.now(), visible: (await visitor.createAndSee(lookIntervalMs)).visible });
  return seen.filter(({ at }) => at >= warm).map(({ visible }) => visible);
}
