import { isDeepStrictEqual } from 'node:util';
import { assess } from '../line/assessment.ts';
import type { Period } from '../line/period.ts';
import type { Markets } from '../rules/markets.ts';
import type { LineState } from './line-state.ts';
import { lineAfter, type PricedProduct } from './priced-product.ts';

/** A period as it is stored. */
export interface PeriodRow extends Period {
  product: string;
}

/** A reduction as it is stored when it starts, with its proof. */
export interface ReductionRow {
  product: string;
  market: string;
  /** When this price was applied; a progressive reduction has a row for each step. */
  appliedAt: number;
  /** When it ended, or ends at the latest. */
  endsAt: number;
  /**
   * False once another price followed, and while the product is parked: another price may have followed then. Readers
   * compare `endsAt` with the clock, because no event says that it expired.
   */
  isOpen: boolean;
  cents: number;
  priorCents: number;
  /** Tenths of a percent. */
  permille: number;
  windowFrom: number;
  /** When the reduction was applied first. */
  windowTo: number;
  observedDays: number;
  /** The start of the period that shows the prior price: with the product, its key. */
  basisFrom: number;
  /** The promotion whose command set the price; null if none did. */
  promotion: string | null;
}

/** The changes of one table, at most one for each key. */
export interface TableChanges<Row> {
  inserted: Row[];
  /** Rows that are stored with other values. */
  updated: Row[];
  /** Stored rows to delete: another event took effect at the same instant. */
  removed: Row[];
}

export interface RowChanges {
  periods: TableChanges<PeriodRow>;
  reductions: TableChanges<ReductionRow>;
  /** Stored reductions to delete after all other changes, because prices of their windows may be missing. */
  disproved: DisprovedReductions[];
}

/** Reductions of a product whose windows begin before an instant; null: all. */
export interface DisprovedReductions {
  product: string;
  completeFrom: number | null;
}

/** One event of a product: the product before and after it. */
export interface Step {
  before: PricedProduct;
  after: PricedProduct;
}

/** The rows that these steps of one or several products change; the steps of each are in order. Steps are not kept. */
export function changedRows(steps: Iterable<Step>, markets: Markets): RowChanges {
  const periods: Changed<PeriodRow> = new Map();
  const reductions: Changed<ReductionRow> = new Map();
  const disproved: DisprovedReductions[] = [];
  let last: { of: PricedProduct; rows: LatestRows } | undefined;
  for (const step of steps) {
    const old = last?.of === step.before ? last.rows : latestRowsOf(step.before, markets);
    const now = latestRowsOf(step.after, markets);
    last = { of: step.after, rows: now };
    recordDifferences(old.periods, now.periods, periods);
    recordDifferences(old.reductions, now.reductions, reductions);
    disproved.push(...disprovedBy(step));
  }
  return { periods: changesIn(periods), reductions: changesIn(reductions), disproved };
}

/** The reductions that this step makes doubtful: a message of an older producer came late. */
function disprovedBy({ before, after }: Step): DisprovedReductions[] {
  const { id: product, version, completeFrom, disprovedBefore } = after;
  const isBehindGap = disprovedBefore !== undefined && disprovedBefore !== before.disprovedBefore;
  if (isBehindGap) return [{ product, completeFrom: disprovedBefore }];
  const isLate = before.version > 0 && version === before.version && completeFrom !== before.completeFrom;
  return isLate ? [{ product, completeFrom }] : [];
}

/** By key: the row after all steps, whether it exists then, and whether the table has it now. */
type Changed<Row> = Map<string, { row: Row; isThere: boolean; isStored: boolean }>;
type Rows<Row> = Map<string, { row: Row; isLast: boolean }>;

function changesIn<Row>(changed: Changed<Row>): TableChanges<Row> {
  const pick = (isThere: boolean, isStored: boolean) =>
    [...changed.values()]
      .filter((entry) => entry.isThere === isThere && entry.isStored === isStored)
      .map(({ row }) => row);
  return { inserted: pick(true, false), updated: pick(true, true), removed: pick(false, true) };
}

/** The rows that the last change of a product may have changed. */
interface LatestRows {
  periods: Rows<PeriodRow>;
  reductions: Rows<ReductionRow>;
}

function latestRowsOf(product: PricedProduct, markets: Markets): LatestRows {
  const rows: LatestRows = { periods: new Map(), reductions: new Map() };
  const { settled, last } = product;
  const line = lineAfter(product, markets);
  if (settled !== line) addRowsOf(rows, product, settled, markets, last?.at);
  addRowsOf(rows, product, line, markets);
  return rows;
}

/** @param endedAt when the open period of the line ended, if it did. */
function addRowsOf(
  rows: LatestRows,
  { id: product, parked }: PricedProduct,
  { open, falls }: LineState,
  markets: Markets,
  endedAt?: number,
): void {
  if (open === null) return;
  const isLast = endedAt === undefined;
  rows.periods.set(`${product} ${open.from}`, { row: { product, ...open, to: endedAt ?? null }, isLast });
  for (const [market, fall] of Object.entries(falls)) {
    const rule = markets.get(market);
    if (rule === undefined) continue;
    const { isReduction, prior, percent, observedDays, basis } = assess(open, fall.window, rule);
    if (!isReduction || prior === null || percent === null) continue;
    const row = {
      product,
      market,
      appliedAt: open.from,
      endsAt: Math.min(fall.expiresAt, endedAt ?? Number.POSITIVE_INFINITY),
      isOpen: isLast && !parked,
      cents: open.cents,
      priorCents: prior,
      permille: Math.round(percent * 10),
      windowFrom: fall.window.from,
      windowTo: fall.window.to,
      observedDays,
      basisFrom: basis[0]?.from ?? fall.window.from,
      promotion: open.promotion,
    };
    rows.reductions.set(`${product} ${market} ${open.from}`, { row, isLast });
  }
}

/** Records rows that are new or different in the second, and deletes the last row of the first if the second lacks it. */
function recordDifferences<Row extends object>(before: Rows<Row>, after: Rows<Row>, changed: Changed<Row>): void {
  const record = (key: string, row: Row, isThere: boolean) =>
    changed.set(key, { row, isThere, isStored: changed.get(key)?.isStored ?? before.has(key) });
  for (const [key, { row, isLast }] of before) if (isLast && !after.has(key)) record(key, row, false);
  for (const [key, { row }] of after) if (!isDeepStrictEqual(before.get(key)?.row, row)) record(key, row, true);
}
