import type { Period } from '../src/line/period.ts';
import type { Rule } from '../src/rules/rule.ts';

const minuteMs = 60_000;

/**
 * The prior price, found plainly: it walks every minute up to the question, and then every minute of the window. It shares no
 * code with what it checks. Periods begin and end at whole minutes.
 */
export function walkMinutes(periods: readonly Period[], at: number, rule: Rule) {
  const isProgressive = rule.rules.includes('progressive');
  const priceAt = (ms: number) => periods.find(({ from, to }) => from <= ms && (to === null || ms < to))?.cents ?? null;

  const first = periods[0]?.from ?? at;
  let last: number | null = null;
  let now: number | null = null;
  let applied: number | null = null;
  let end = 0;
  for (let ms = first; ms <= at; ms += minuteMs) {
    const price = priceAt(ms);
    if (price === null) {
      applied = null;
    } else if (price !== last || now === null) {
      const isFall = last !== null && price < last;
      const goesOn = isFall && isProgressive && applied !== null && ms < end && now !== null;
      if (!goesOn) {
        applied = isFall ? ms : null;
        end = isFall ? midnightOf(ms, rule.maxReductionDays, rule.zone) : 0;
      }
    }
    last = price ?? last;
    now = price;
  }
  const windowTo = applied !== null && at < end ? applied : at;
  const windowFrom = midnightOf(windowTo, -rule.windowDays, rule.zone);
  let prior: number | null = null;
  for (let ms = windowFrom; ms < windowTo; ms += minuteMs) {
    const price = priceAt(ms);
    if (price !== null && (prior === null || price < prior)) prior = price;
  }
  const isOld = windowTo - first >= rule.windowDays * 86_400_000 + shift(first, windowTo, rule.zone);
  const isReduction = now !== null && prior !== null && now < prior && (isOld || rule.rules.includes('new-products'));
  return { price: now, prior, isReduction, windowFrom, windowTo };
}

/** The first quarter of an hour of the local date that is some days away from that of an instant, found step by step. */
function midnightOf(ms: number, days: number, zone: string): number {
  const wanted = addDays(localDate(ms, zone), days);
  const quarter = 15 * minuteMs;
  let found = Math.floor(ms / quarter) * quarter + (days - 2) * 86_400_000;
  while (localDate(found, zone) < wanted) found += quarter;
  return found;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** As `2026-06-01`. */
function localDate(ms: number, zone: string): string {
  let format = formats.get(zone);
  if (format === undefined) formats.set(zone, (format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone })));
  return format.format(ms);
}

function addDays(date: string, days: number): string {
  const moved = new Date(`${date}T00:00:00Z`);
  moved.setUTCDate(moved.getUTCDate() + days);
  return moved.toISOString().slice(0, 10);
}

/** How much longer the time between two instants is than by the clock: an hour when daylight saving time ended in between. */
function shift(from: number, to: number, zone: string): number {
  const clock = (ms: number) => Date.parse(`${new Date(ms).toLocaleString('sv-SE', { timeZone: zone })}Z`);
  return to - from - (clock(to) - clock(from));
}
