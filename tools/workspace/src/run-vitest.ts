import { fileURLToPath } from 'node:url';
import { interruption, start } from './command.ts';
import type { Results } from './last-line.ts';

// How long tests get to finish and their servers to stop after a signal.
const patienceMs = 8_000;
const reporter = fileURLToPath(new URL('results.ts', import.meta.url));

/**
 * Runs vitest once and resolves with its result; never rejects. Whatever makes vitest fail without a failed test
 * (servers that do not start or stop, no test selected) counts as one failure, after a line that says so.
 */
export async function runVitest(args: readonly string[], output: 'inherit' | 'ignore' = 'inherit'): Promise<Results> {
  const { child, ended } = start(
    'vitest',
    ['run', '--reporter=default', `--reporter=${reporter}`, ...args],
    // A group of its own: Ctrl-C in a terminal comes to this process alone, which then ends vitest in an orderly way.
    { detached: true, stdio: ['ignore', output, output, 'ipc'] },
    (vitest) => {
      vitest.send('stop', () => undefined);
      setTimeout(() => vitest.kill('SIGTERM'), patienceMs).unref();
    },
  );
  let results: Results = { passed: 0, failed: 0, skipped: 0 };
  child.on('message', (message) => {
    results = message as Results;
  });
  const exitCode = await ended;
  if (results.failed > 0 || interruption()) return results;
  if (results.passed > 0 && exitCode === 0) return results;
  console.error(results.passed > 0 ? `vitest ended with code ${exitCode}, see above.` : 'No test ran, see above.');
  return { ...results, failed: 1 };
}
