/**
 * Local days, by the time zone data of Node (ICU). Temporal would do this, but Node 24 does not have it. The functions
 * below replace a polyfill of 20 kB or more, which would be dropped with Node 26.
 */

export const dayMs = 86_400_000;

/** No zone has moved its clocks by more than a day. */
const maxShiftMs = dayMs;

/** True for an IANA zone that Node knows, such as `Europe/Berlin`, and for `UTC`; false for offsets such as `+02:00`. */
export function isZone(zone: string): boolean {
  if (!/^[A-Za-z]/.test(zone)) return false;
  try {
    zoneOf(zone);
    return true;
  } catch {
    return false;
  }
}

/** The cached data of a zone. */
interface Zone {
  format: Intl.DateTimeFormat;
  /** By day of UTC: its offset, or null for a day on which clocks change. */
  offsets: Map<number, number | null>;
  /** By local day: its start. */
  starts: Map<number, number>;
}

const zones = new Map<string, Zone>();

/** The most cached days of a zone: 80 years, about 2 MB. Asking ICU takes 3 µs, and a fold asks several times per event. */
const maxCachedDays = 30_000;

function zoneOf(name: string): Zone {
  let zone = zones.get(name);
  if (zone === undefined) {
    const format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
    zone = { format, offsets: new Map(), starts: new Map() };
    zones.set(name, zone);
  }
  return zone;
}

/** The cached value of a day; found and cached if it is missing. */
function remembered<Value>(values: Map<number, Value>, day: number, find: () => Value): Value {
  const known = values.get(day);
  if (known !== undefined) return known;
  if (values.size >= maxCachedDays) values.clear();
  const found = find();
  values.set(day, found);
  return found;
}

/** Milliseconds by which the local clock is ahead of UTC at an instant. */
function offsetAt(at: number, zone: Zone): number {
  const day = Math.floor(at / dayMs);
  const offset = remembered(zone.offsets, day, () => {
    const [start, end] = [readOffset(day * dayMs, zone), readOffset((day + 1) * dayMs, zone)];
    return start === end ? start : null;
  });
  return offset ?? readOffset(at, zone);
}

function readOffset(at: number, { format }: Zone): number {
  const found = /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(format.format(at));
  if (found === null) return 0;
  const [, sign, hours, minutes, seconds = 0] = found;
  const ms = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
  return sign === '-' ? -ms : ms;
}

/**
 * The local clock at an instant, in milliseconds that count as if the clock were UTC. Differences of such times are
 * those that clock and calendar show: from noon to noon is a day, whether clocks change in between or not.
 */
export function wallTime(at: number, zone: string): number {
  return at + offsetAt(at, zoneOf(zone));
}

/** The number of the local day at an instant; its midnight on the local clock is `localDay(…) * dayMs`. */
export function localDay(at: number, zone: string): number {
  return Math.floor(wallTime(at, zone) / dayMs);
}

/**
 * The first instant of the local day that is `days` days after (before, if negative) the local day of an instant.
 * Mostly midnight; where clocks skip midnight, the instant of the change; where midnight comes twice, the first.
 */
export function startOfLocalDay(at: number, days: number, zone: string): number {
  const day = localDay(at, zone) + days;
  return remembered(zoneOf(zone).starts, day, () => findStart(day * dayMs, zone));
}

function findStart(midnight: number, name: string): number {
  const zone = zoneOf(name);
  const offsets = [midnight - maxShiftMs, midnight + maxShiftMs].map((at) => offsetAt(at, zone));
  const shown = offsets.map((offset) => midnight - offset).filter((at) => wallTime(at, name) === midnight);
  return shown.length > 0 ? Math.min(...shown) : changePast(midnight, name);
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
