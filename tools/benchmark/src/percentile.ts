/** The smallest value that at least `percent` of all values do not exceed (nearest rank). Of at least one value. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}

/** The figures of a report from latencies in milliseconds. */
export function latencyFigures(latencies: readonly number[]) {
  const [p50, p90, p99, max] = [50, 90, 99, 100].map((percent) => percentile(latencies, percent)) as [
    number,
    number,
    number,
    number,
  ];
  return { p50, p90, p99, max };
}
