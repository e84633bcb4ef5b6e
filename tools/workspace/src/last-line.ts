export interface Results {
  passed: number;
  /** Failed tests and all other failures of a run: files, suites and hooks with errors, unhandled errors. */
  failed: number;
  skipped: number;
}

/** The line that counts tests: the last line of `npm test` and `.ci/run`, which programs read. */
export function lastLine({ passed, failed, skipped }: Results): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
