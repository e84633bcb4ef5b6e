import { setTimeout as delay } from 'node:timers/promises';
import type { ServerName } from '@catalogue/acceptance';
import { isTransient } from '@catalogue/postgres';
import type { Bed } from '../bed.ts';
import { secondsUntil, shownProducts } from './behind.ts';
import { storedEvents } from './log.ts';
import type { Scenario } from './scenario.ts';

const perSecond = 500;
const beforeMs = 5_000;
const awayMs = 30_000;
const afterMs = 25_000;
const sampleMs = 1_000;

/** Commands while a server that they do not need is away, and how soon queries show all of their products afterwards. */
export function outage(server: Extract<ServerName, 'kafka' | 'read-db'>): Scenario {
  const name = `outage-${server}`;
  return {
    name,
    title: `${perSecond} creates a second while ${server} is away for ${awayMs / 1000} s: due until answered`,
    mode: 'whole',
    onlyNamed: true,
    targets: ['perSecond', 'p50', 'p99', 'unshown', 'shown'].map((figure) => ({ figure })),
    measure: async (bed) => {
      const { system } = bed;
      const [shownBefore, storedBefore] = [await shownProducts(bed), await storedEvents(bed)];
      const duration = beforeMs + awayMs + afterMs;
      const load = {
        connections: 64,
        perSecond,
        open: true,
        warmUp: 0,
        duration,
        requests: { kind: 'create' },
      } as const;
      await using timeline = watch(bed, storedBefore, shownBefore);
      const loading = bed.load(load);
      await Promise.race([loading, delay(beforeMs)]);
      await system.crash(server);
      await Promise.race([loading, delay(awayMs)]);
      await system.start(server);
      const back = performance.now();
      const behind = async () => {
        const stored = (await storedEvents(bed)) - storedBefore;
        return stored - (((await shownOrNone(bed)) ?? shownBefore) - shownBefore);
      };
      const unshown = await behind();
      // Under load a product is always on its way: less than a second's worth is caught up.
      const shown = await secondsUntil('queries to have caught up', back, async () => (await behind()) < perSecond);
      const { measured, acknowledged } = await loading;
      const all = async () => (await shownProducts(bed)) >= shownBefore + acknowledged;
      await secondsUntil('every product to be shown', back, all);
      bed.plots.push({
        name,
        title: `${perSecond} creates a second while ${server} is away from ${beforeMs / 1000} to ${(beforeMs + awayMs) / 1000} s`,
        x: 'seconds',
        y: 'products',
        lines: [
          { name: 'stored', points: timeline.stored },
          { name: 'shown', points: timeline.shown },
        ],
      });
      return { ...measured, unshown, shown };
    },
  };
}

/** Undefined while the read database is away. */
async function shownOrNone(bed: Bed): Promise<number | undefined> {
  try {
    return await shownProducts(bed);
  } catch (error) {
    if (isTransient(error)) return undefined;
    throw error;
  }
}

/** Samples how many products were stored and shown since it was called, until it is disposed of. */
function watch(bed: Bed, storedBefore: number, shownBefore: number) {
  const stop = new AbortController();
  const started = performance.now();
  const stored: [number, number][] = [];
  const shown: [number, number][] = [];
  const sample = async () => {
    while (!stop.signal.aborted) {
      const at = Math.round((performance.now() - started) / 100) / 10;
      stored.push([at, (await storedEvents(bed)) - storedBefore]);
      const products = await shownOrNone(bed);
      if (products !== undefined) shown.push([at, products - shownBefore]);
      await delay(sampleMs, undefined, { signal: stop.signal }).catch(() => {}); // Aborted.
    }
  };
  const sampling = sample();
  sampling.catch(() => {}); // Awaited at the end.
  return {
    stored,
    shown,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await sampling;
    },
  };
}
