import type { Measurement } from './processes.ts';
import { percentile } from './percentile.ts';
import type { Scenario, Target } from './scenarios/scenario.ts';

/** The results of a scenario's rounds; undefined for a failed round. */
export interface Outcome {
  scenario: Pick<Scenario, 'name' | 'title' | 'targets'>;
  rounds: (Measurement | undefined)[];
}

interface Figure {
  says: string;
  unit: string;
  decimals: number;
}

const figures: Record<string, Figure> = {
  perSecond: { says: 'rate', unit: '/s', decimals: 0 },
  p50: { says: 'p50', unit: ' ms', decimals: 2 },
  p90: { says: 'p90', unit: ' ms', decimals: 2 },
  p99: { says: 'p99', unit: ' ms', decimals: 2 },
  max: { says: 'longest', unit: ' ms', decimals: 1 },
  first: { says: 'page 1 from the database, p50', unit: ' ms', decimals: 2 },
  last: { says: 'page 20 000 from the database, p50', unit: ' ms', decimals: 2 },
  told: { says: 'until all were told of all', unit: ' s', decimals: 1 },
  cpu: { says: 'CPU of the service an event', unit: ' µs', decimals: 1 },
  alone: { says: 'value of an event, alone', unit: ' bytes', decimals: 0 },
  batched: { says: 'value of an event, in a gzip batch of 200', unit: ' bytes', decimals: 0 },
  disk: { says: 'on the broker’s disk an event', unit: ' bytes', decimals: 0 },
  rss: { says: 'memory', unit: ' MB', decimals: 0 },
  answered: { says: 'POST answered, p50', unit: ' ms', decimals: 2 },
  answered99: { says: 'POST answered, p99', unit: ' ms', decimals: 2 },
  unrelayed: { says: 'events not relayed at the end', unit: '', decimals: 0 },
  relayed: { says: 'until all were relayed', unit: ' s', decimals: 1 },
  unshown: { says: 'products not shown at the end', unit: '', decimals: 0 },
  shown: { says: 'until all were shown', unit: ' s', decimals: 1 },
  othersAlone: { says: 'p99 of others alone', unit: ' ms', decimals: 2 },
  othersBeside: { says: 'p99 of others beside it', unit: ' ms', decimals: 2 },
  othersRatio: { says: 'of that alone', unit: '×', decimals: 2 },
  rebuilt: { says: 'rebuilt in', unit: ' s', decimals: 1 },
  switched: { says: 'compared and switched in', unit: ' s', decimals: 1 },
};
const none = '–';

/** One line for one round, printed while the benchmark runs. */
export function progressOf(measured: Measurement): string {
  const shown = [
    'perSecond',
    'p50',
    'p99',
    'first',
    'last',
    'told',
    'cpu',
    'alone',
    'batched',
    'disk',
    'rss',
    'relayed',
    'shown',
    'rebuilt',
  ].filter((figure) => figure in measured);
  return shown.map((figure) => `${figures[figure]?.says} ${format(figure, measured[figure])}`).join(', ');
}

/** The whole report: aligned tables in Markdown. */
export function reportOf(outcomes: readonly Outcome[]): string {
  const hasRounds = outcomes.some(({ rounds }) => rounds.length > 1);
  return [
    hasRounds
      ? 'Medians of the rounds; in brackets the lowest and the highest.'
      : 'Each figure is that of the one round.',
    figureTable(outcomes),
    `Beside floors and targets (a share is ${hasRounds ? 'the median of the shares of each round' : 'taken within the round'}):`,
    targetTable(outcomes),
    'Cores kept busy, which says what limits a figure. `others` is whatever else ran on the machine:',
    coreTable(outcomes),
  ].join('\n\n');
}

/** The average number of cores that other processes used: distrust figures with more than a tenth. */
export function disturbance(outcomes: readonly Outcome[]): number {
  const used = outcomes.flatMap(({ rounds }) =>
    rounds.flatMap((round) =>
      round === undefined ? [] : [(round['cores.others'] ?? 0) + (round['cores.stolen'] ?? 0)],
    ),
  );
  return used.reduce((sum, each) => sum + each, 0) / Math.max(1, used.length);
}

function figureTable(outcomes: readonly Outcome[]): string {
  const columns = ['p50', 'p90', 'p99', 'max', 'rss'];
  const rows = outcomes.map(({ scenario, rounds }) => [
    scenario.name,
    scenario.title,
    spread(rounds),
    ...columns.map((figure) => format(figure, median(valuesOf(rounds, figure)))),
  ]);
  return table(['scenario', '', 'a second', 'p50', 'p90', 'p99', 'longest', 'memory'], rows);
}

function spread(rounds: Outcome['rounds']): string {
  const values = valuesOf(rounds, 'perSecond').filter((value) => value !== undefined);
  if (values.length === 0) return none;
  const [middle, lowest, highest] = [median(values), Math.min(...values), Math.max(...values)].map((value) =>
    number(value ?? Number.NaN, 0),
  );
  return values.length === 1 ? `${middle}` : `${middle} (${lowest}–${highest})`;
}

function targetTable(outcomes: readonly Outcome[]): string {
  const rows = outcomes.flatMap(({ scenario, rounds }) =>
    scenario.targets.map((target) => targetRow(scenario.name, target, rounds, outcomes)),
  );
  return table(['scenario', 'figure', 'measured', 'floor', 'share', 'target', ''], rows);
}

function targetRow(name: string, target: Target, rounds: Outcome['rounds'], outcomes: readonly Outcome[]): string[] {
  const { figure, of } = target;
  const measured = valuesOf(rounds, figure);
  const row = [name, figures[figure]?.says ?? figure, format(figure, median(measured))];
  if (of === undefined) return [...row, '', '', boundOf(target), verdict(median(measured), target)];
  const floor = valuesOf(outcomes.find(({ scenario }) => scenario.name === of)?.rounds ?? [], figure);
  const share = median(measured.map((value, round) => quotient(value, floor[round])));
  const shown = share === undefined ? none : share.toFixed(2);
  return [...row, `${of} ${format(figure, median(floor))}`, shown, boundOf(target), verdict(share, target)];
}

function boundOf({ figure, of, atLeast, atMost }: Target): string {
  const bound = atLeast ?? atMost;
  if (bound === undefined) return '';
  const text = of === undefined ? `${number(bound)}${figures[figure]?.unit}` : shareText(bound);
  return `${atLeast === undefined ? '≤' : '≥'} ${text}`;
}

/** As many decimals as a measured share has, at most. */
function shareText(share: number): string {
  return String(Number(share.toFixed(2)));
}

function verdict(value: number | undefined, { atLeast, atMost }: Target): string {
  if (atLeast === undefined && atMost === undefined) return '';
  if (value === undefined) return 'not measured';
  return value >= (atLeast ?? Number.NEGATIVE_INFINITY) && value <= (atMost ?? Number.POSITIVE_INFINITY)
    ? 'reached'
    : 'missed';
}

function coreTable(outcomes: readonly Outcome[]): string {
  const prefix = 'cores.';
  const found = outcomes.flatMap(({ rounds }) => rounds.flatMap((round) => Object.keys(round ?? {})));
  const columns = [...new Set(found)].filter((figure) => figure.startsWith(prefix));
  const rows = outcomes.map(({ scenario, rounds }) => [
    scenario.name,
    ...columns.map((figure) => median(valuesOf(rounds, figure))?.toFixed(2) ?? none),
  ]);
  return table(['scenario', ...columns.map((figure) => figure.slice(prefix.length))], rows);
}

const valuesOf = (rounds: Outcome['rounds'], figure: string) => rounds.map((round) => round?.[figure]);

/** The median of a figure over the rounds that have it. */
export function medianOf(rounds: Outcome['rounds'], figure: string): number | undefined {
  return median(valuesOf(rounds, figure));
}

function median(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : percentile(known, 50);
}

function quotient(value: number | undefined, by: number | undefined): number | undefined {
  return value === undefined || by === undefined ? undefined : value / by;
}

function format(figure: string, value: number | undefined): string {
  if (value === undefined) return none;
  const { unit = '', decimals = 2 } = figures[figure] ?? {};
  return `${number(value, decimals)}${unit}`;
}

/** With a space between thousands. */
function number(value: number, decimals = value % 1 === 0 ? 0 : 1): string {
  const [whole = '', fraction] = value.toFixed(decimals).split('.');
  const grouped = BigInt(whole).toLocaleString('en').replaceAll(',', ' ');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** A table in Markdown with its columns aligned. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) => Math.max(3, ...[title, ...rows.map((row) => row[i] ?? '')].map(lengthOf)));
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, i) => (cells[i] ?? '').padEnd(width)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

const lengthOf = (text: string) => text.length;
