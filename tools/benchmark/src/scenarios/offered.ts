import { setTimeout as delay } from 'node:timers/promises';
import type { Bed } from '../bed.ts';
import { latencyFigures } from '../percentile.ts';
import { Visitor } from '../visibility.ts';
import { secondsUntil, shownProducts } from './behind.ts';
import { memory, rate, type Scenario, type Target } from './scenario.ts';

// More than two cores can do with the last.
const rates = [500, 1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 8_000];
// Enough for a batch of the event store to be full while others are answered.
const connections = 256;
/** Milliseconds between two products that are followed until a GET shows them. */
const followEveryMs = 50;
// Adds as much to each figure: the load of reading must stay low.
const lookIntervalMs = 5;

const targets: Record<number, Target[]> = {
  1_000: [
    { figure: 'p50', atMost: 8 },
    { figure: 'p99', atMost: 25 },
  ], // prettier-ignore
  5_000: [
    { figure: 'p50', atMost: 20 },
    { figure: 'p99', atMost: 60 },
  ], // prettier-ignore
};

/** Latency at fixed rates of arrival, up to more than the machine can do. Latency counts from when a request was due. */
export const offered: Scenario[] = rates.map((perSecond) => ({
  name: `offered-${perSecond}`,
  title: `${perSecond} creates a second, whatever their answers take, relay and worker running: due until a GET, every ${lookIntervalMs} ms, shows it`,
  mode: 'whole',
  onlyNamed: !(perSecond in targets),
  targets: [rate(perSecond * 0.98), { figure: 'answered' }, ...(targets[perSecond] ?? []), { figure: 'shown' }, memory],
  measure: async (bed) => {
    await bed.checkpoint();
    const before = await shownProducts(bed);
    const loading = bed.load({ connections, perSecond, open: true, requests: { kind: 'create' } });
    const { followed, latencies } = await followDuring(bed, loading);
    const { measured, acknowledged } = await loading;
    const ended = performance.now();
    const wanted = before + acknowledged + followed;
    const shown = await secondsUntil(
      'every product to be shown',
      ended,
      async () => (await shownProducts(bed)) >= wanted,
    );
    const { p50: answered = Number.NaN, p99: answered99 = Number.NaN, ...others } = measured;
    return { ...others, answered, answered99, ...latencyFigures(latencies), shown };
  },
}));

/** Creates products at even times during other work, and waits until each is shown: milliseconds from when it was due. */
async function followDuring({ system, times }: Bed, other: Promise<unknown>) {
  const over = new AbortController();
  // The caller handles a failure.
  other.catch(() => {}).finally(() => over.abort());
  using visitors = new DisposableStack();
  const free: Visitor[] = [];
  const started = performance.now();
  const following: Promise<{ due: number; latency: number }>[] = [];
  const follow = async (due: number) => {
    const visitor = free.pop() ?? visitors.use(await Visitor.open(system));
    await visitor.createAndSee(lookIntervalMs);
    free.push(visitor);
    return { due, latency: performance.now() - started - due };
  };
  for (let due = 0; !over.signal.aborted; due += followEveryMs) {
    await delay(Math.max(0, started + due - performance.now()));
    following.push(follow(due));
  }
  const all = await Promise.all(following);
  const measured = all.filter(({ due }) => due >= times.warmUp && due < times.warmUp + times.duration);
  return { followed: all.length, latencies: measured.map(({ latency }) => latency) };
}
