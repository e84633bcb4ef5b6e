export interface Results {
  passed: number;
  /** Failed tests, and everything else that makes a run fail: files, suites and hooks with errors, unhandled errors. */
  failed: number;
  skipped: number;
}

/** The line that counts tests: the last one of `npm test` and of `.ci/run`. Programs read it. */
export function lastLine({ passed, failed, skipped }: Results): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
