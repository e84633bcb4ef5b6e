import { onTestFinished, vi } from 'vitest';

const now = performance.now.bind(performance);

/** Sets `performance.now()` ahead until the test ends. */
export function setClockAhead(ms: number): void {
  const spy = vi.spyOn(performance, 'now').mockImplementation(() => now() + ms);
  onTestFinished(() => spy.mockRestore());
}
