import { setTimeout as delay } from 'node:timers/promises';

/**
 * Asks again and again until the answer is neither `undefined`, `false` nor `null`, and returns it.
 * @throws after `within` milliseconds, naming what was waited for. When absent, a minute: what takes milliseconds on an idle
 * machine took 20 s on one with a load of 20, and what never comes is not there after a minute either.
 */
export async function waitFor<T>(
  what: string,
  ask: () => Promise<T | undefined | false | null> | T | undefined | false | null,
  { within = 60_000, every = 20 }: { within?: number; every?: number } = {},
): Promise<T> {
  const end = performance.now() + within;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false && answer !== null) return answer;
    if (performance.now() > end) throw new Error(`Gave up after ${within} ms waiting for ${what}`);
    await delay(every);
  }
}
