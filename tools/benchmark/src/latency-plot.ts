import type { Plot } from './plot.ts';
import { medianOf, type Outcome } from './report.ts';

/** Latency against offered rate, of the scenarios `offered-<rate>`; none when fewer than two were measured. */
export function latencyPlot(outcomes: readonly Outcome[]): Plot[] {
  const measured = outcomes.flatMap(({ scenario, rounds }) => {
    const [, perSecond] = /^offered-(\d+)$/.exec(scenario.name) ?? [];
    return perSecond === undefined ? [] : [{ perSecond: Number(perSecond), rounds }];
  });
  if (measured.length < 2) return [];
  const line = (name: string, figure: string) => ({
    name,
    points: measured.flatMap(({ perSecond, rounds }) => {
      const value = medianOf(rounds, figure);
      return value === undefined ? [] : [[perSecond, value] as const];
    }),
  });
  const lines = [
    line('shown, p99', 'p99'),
    line('shown, p50', 'p50'),
    line('answered, p99', 'answered99'),
    line('answered, p50', 'answered'),
  ];
  const title = 'Latency of a create by offered rate, from when it was due';
  return [{ name: 'latency', title, x: 'creates offered a second', y: 'ms', logarithmic: true, lines }];
}
