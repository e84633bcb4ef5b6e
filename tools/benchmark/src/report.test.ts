import { expect, test } from 'vitest';
import { disturbance, type Outcome, progressOf, reportOf, table } from './report.ts';

const outcome = (name: string, targets: Outcome['scenario']['targets'], ...rounds: Outcome['rounds']): Outcome => ({
  scenario: { name, title: `Title of ${name}`, targets },
  rounds,
});

/** The row of a report's tables that begins with these cells, its cells trimmed. */
function row(report: string, ...begin: string[]): string[] | undefined {
  const rows = report.split('\n').map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  return rows.find((cells) => cells.length > 1 && begin.every((cell, i) => cells[i] === cell));
}

test('a table is Markdown with aligned columns', () => {
  expect(
    table(
      ['a', 'long title'],
      [
        ['1', '2'],
        ['wider', ''],
      ],
    ),
  ).toBe(
    ['| a     | long title |', '| ----- | ---------- |', '| 1     | 2          |', '| wider |            |'].join('\n'),
  );
});

test('a figure is the median of its rounds, beside the lowest and the highest', () => {
  const rounds = [20_000, 18_000, 19_000].map((perSecond) => ({ perSecond, p50: perSecond / 1e4, rss: 99.6 }));
  const report = reportOf([outcome('creates', [], ...rounds)]);
  expect(row(report, 'creates', 'Title of creates')?.slice(2)).toEqual([
    '19 000 (18 000–20 000)',
    '1.90 ms',
    '–',
    '–',
    '–',
    '100 MB',
  ]);
});

test.each([
  { target: { figure: 'perSecond', atLeast: 18_000 }, cells: ['', '', '≥ 18 000/s', 'reached'] },
  { target: { figure: 'perSecond', atLeast: 18_001 }, cells: ['', '', '≥ 18 001/s', 'missed'] },
  {
    target: { figure: 'perSecond', of: 'commits', atLeast: 0.7 },
    cells: ['commits 20 000/s', '0.90', '≥ 0.7', 'reached'],
  },
  {
    target: { figure: 'perSecond', of: 'commits', atMost: 0.7 },
    cells: ['commits 20 000/s', '0.90', '≤ 0.7', 'missed'],
  },
  {
    target: { figure: 'perSecond', of: 'commits', atLeast: 1 / 1.5 },
    cells: ['commits 20 000/s', '0.90', '≥ 0.67', 'reached'],
  },
  { target: { figure: 'perSecond', of: 'commits' }, cells: ['commits 20 000/s', '0.90', '', ''] },
  { target: { figure: 'perSecond', of: 'unknown', atLeast: 0.7 }, cells: ['unknown –', '–', '≥ 0.7', 'not measured'] },
])('a target has its value, its floor and whether it was reached: $target', ({ target, cells }) => {
  const report = reportOf([
    outcome('commits', [], { perSecond: 20_000 }),
    outcome('creates', [target], { perSecond: 18_000 }),
  ]);
  expect(row(report, 'creates', 'rate')?.slice(2)).toEqual(['18 000/s', ...cells]);
});

test('a share compares within each round: a slow one slows the floor as well', () => {
  const report = reportOf([
    outcome('commits', [], { perSecond: 10_000 }, { perSecond: 20_000 }, undefined, { perSecond: 40_000 }),
    outcome(
      'creates',
      [{ figure: 'perSecond', of: 'commits' }],
      { perSecond: 8_000 },
      { perSecond: 16_000 },
      {
        perSecond: 1,
      },
    ),
  ]);
  expect(row(report, 'creates', 'rate')?.[4]).toBe('0.80');
});

test('a failed round is not measured', () => {
  const report = reportOf([outcome('creates', [{ figure: 'p99', atMost: 10 }], undefined)]);
  expect(row(report, 'creates', 'p99')?.slice(2)).toEqual(['–', '', '', '≤ 10 ms', 'not measured']);
});

test('cores are shown for every process of any scenario', () => {
  const outcomes = [
    outcome('a', [], { 'cores.idle': 0.5, 'cores.others': 0.1, 'cores.stolen': 0.1 }),
    outcome('b', [], { 'cores.kafka': 1.234, 'cores.others': 0.4 }),
  ];
  const report = reportOf(outcomes);
  expect(row(report, 'scenario', 'idle')).toEqual(['scenario', 'idle', 'others', 'stolen', 'kafka']);
  expect(row(report, 'b', '–')).toEqual(['b', '–', '0.40', '–', '1.23']);
  expect(disturbance(outcomes)).toBeCloseTo(0.3);
});

test('progress is one line with the main figures', () => {
  expect(progressOf({ perSecond: 12_345.6, p50: 1.234, p90: 2, p99: 9, 'cores.idle': 1 })).toBe(
    'rate 12 346/s, p50 1.23 ms, p99 9.00 ms',
  );
});

test('a report of one round does not mention medians', () => {
  const round = { perSecond: 20_000 };
  const target = { figure: 'perSecond', of: 'creates' };
  expect(reportOf([outcome('creates', [target], round)])).not.toMatch(/median/i);
  expect(reportOf([outcome('creates', [target], round, round)])).toMatch(/^Medians of the rounds/);
});
