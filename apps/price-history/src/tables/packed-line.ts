import type { Period } from '../line/period.ts';
import { emptyLine, type LineState, type MarketFall } from '../projection/line-state.ts';

// The row is written with every price, so the state of the line is stored without names, and the open period once: 60% smaller.

type PackedPeriod = [
  from: number,
  to: number | null,
  cents: number,
  version: number,
  eventId: string,
  // Absent for null, and in rows that the release before wrote.
  promotion?: string,
];
type PackedFall = [
  appliedAt: number,
  expiresAt: number,
  windowFrom: number,
  lowest: PackedPeriod | null,
  observedDays: number,
  isComplete: boolean,
  isNew: boolean,
];

/** A `LineState` as JSON. */
export type PackedLine = [
  isOpen: boolean,
  left: [cents: number, to: number] | null,
  firstOffered: number | null,
  lows: PackedPeriod[],
  offers: [from: number, to: number | null][],
  falls: Record<string, PackedFall>,
];

/** Null for a line without prices. */
export function pack(line: LineState): PackedLine | null {
  if (line.firstOffered === null) return null;
  const { open, left, firstOffered, lows, offers, falls } = line;
  return [
    open !== null,
    left === null ? null : [left.cents, left.to],
    firstOffered,
    lows.map(packPeriod),
    offers.map(({ from, to }) => [from, to]),
    Object.fromEntries(Object.entries(falls).map(([market, fall]) => [market, packFall(fall)])),
  ];
}

export function unpack(packed: PackedLine | null): LineState {
  if (packed === null) return emptyLine;
  const [isOpen, left, firstOffered, packedLows, offers, falls] = packed;
  const lows = packedLows.map(unpackPeriod);
  return {
    // The open period is the last low: no later price undercuts it.
    open: isOpen ? (lows.at(-1) ?? null) : null,
    left: left === null ? null : { cents: left[0], to: left[1] },
    firstOffered,
    lows,
    offers: offers.map(([from, to]) => ({ from, to })),
    falls: Object.fromEntries(Object.entries(falls).map(([market, fall]) => [market, unpackFall(fall)])),
  };
}

const packPeriod = ({ from, to, cents, version, eventId, promotion }: Period): PackedPeriod => {
  return promotion === null ? [from, to, cents, version, eventId] : [from, to, cents, version, eventId, promotion];
};

const unpackPeriod = ([from, to, cents, version, eventId, promotion]: PackedPeriod): Period => ({
  from,
  to,
  cents,
  version,
  eventId,
  promotion: promotion ?? null,
});

function packFall({ appliedAt, expiresAt, window }: MarketFall): PackedFall {
  const lowest = window.lowest === null ? null : packPeriod(window.lowest);
  return [appliedAt, expiresAt, window.from, lowest, window.observedDays, window.isComplete, window.isNew];
}

/** The window of a reduction ends where it was applied. */
function unpackFall([appliedAt, expiresAt, from, lowest, observedDays, isComplete, isNew]: PackedFall): MarketFall {
  const period = lowest === null ? null : unpackPeriod(lowest);
  return { appliedAt, expiresAt, window: { from, to: appliedAt, lowest: period, observedDays, isComplete, isNew } };
}
