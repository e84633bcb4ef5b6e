/**
 * Local days, by the time zone data of Node (ICU). Temporal would do this, but Node 24 does not have it. The functions below
 * replace a polyfill of 20 kB or more, which would be dropped with Node 26.
 */

export const dayMs = 86_400_000;

/** No zone has moved its clocks by more than a day. */
const maxShiftMs = dayMs;

const formats = new Map<string, Intl.DateTimeFormat>();

/** True for an IANA zone that Node knows, such as `Europe/Berlin`, and for `UTC`; false for offsets such as `+02:00`. */
export function isZone(zone: string): boolean {
  if (!/^[A-Za-z]/.test(zone)) return false;
  try {
    formatOf(zone);
    return true;
  } catch {
    return false;
  }
}

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
    formats.set(zone, format);
  }
  return format;
}

/** Milliseconds by which the local clock is ahead of UTC at an instant. */
function offsetAt(at: number, zone: string): number {
  const name = formatOf(zone).format(at);
  const found = /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(name);
  if (found === null) return 0;
  const [, sign, hours, minutes, seconds = 0] = found;
  const ms = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
  return sign === '-' ? -ms : ms;
}

/**
 * The local clock at an instant, in milliseconds that count as if the clock were UTC. Differences of such times are those that
 * clock and calendar show: from noon to noon is a day, whether clocks change in between or not.
 */
export function wallTime(at: number, zone: string): number {
  return at + offsetAt(at, zone);
}

/** The number of the local day at an instant; its midnight on the local clock is `localDay(…) * dayMs`. */
export function localDay(at: number, zone: string): number {
  return Math.floor(wallTime(at, zone) / dayMs);
}

/**
 * The first instant of the local day that is `days` days after (before, if negative) the local day of an instant. Mostly
 * midnight; where clocks skip midnight, the instant of the change; where midnight comes twice, the first.
 */
export function startOfLocalDay(at: number, days: number, zone: string): number {
  const day = localDay(at, zone) + days;
  const key = `${zone} ${day}`;
  let start = starts.get(key);
  if (start === undefined) {
    start = findStart(day * dayMs, zone);
    if (starts.size >= maxCachedStarts) starts.clear();
    starts.set(key, start);
  }
  return start;
}

/** Local days whose start is remembered: 40 years of two zones, about 3 MB. Finding one takes 10 µs. */
const maxCachedStarts = 30_000;
const starts = new Map<string, number>();

function findStart(midnight: number, zone: string): number {
  const [before, after] = [midnight - maxShiftMs, midnight + maxShiftMs].map((at) => offsetAt(at, zone)) as [
    number,
    number,
  ];
  const shown = [midnight - before, midnight - after].filter((at) => wallTime(at, zone) === midnight);
  return shown.length > 0 ? Math.min(...shown) : changePast(midnight, zone);
}

/** The instant at which the clock jumps over a local time. */
function changePast(wall: number, zone: string): number {
  let [before, after] = [wall - maxShiftMs, wall + maxShiftMs];
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (wallTime(middle, zone) < wall) before = middle;
    else after = middle;
  }
  return after;
}
