// npm test [arguments for vitest]: builds everything, runs every test once, and ends with a line that says what came of it.
import { fileURLToPath } from 'node:url';
import { captureNx, forwardSignals, interruption, start } from './command.ts';
import type { Results } from './results.ts';

// How long tests get to finish and their servers to stop after a signal.
const patienceMs = 8_000;

// The tests kill servers, so they use their own, never those that the developer's shell points to.
for (const name of ['KAFKA_BROKER', 'WRITE_DB_DSN', 'READ_DB_DSN', 'PORT']) delete process.env[name];

forwardSignals();
const outcome = (await build()) ? await runTests(process.argv.slice(2)) : { passed: 0, failed: 1, skipped: 0 };
const interrupted = interruption();
console.log(interrupted ? `tests: interrupted by ${interrupted.signal}` : summary(outcome));
process.exit(interrupted?.exitCode ?? (outcome.failed === 0 ? 0 : 1));

/** Some tests start the services as they are deployed, from dist. */
async function build(): Promise<boolean> {
  const { ok, output } = await captureNx('run-many', '-t', 'build');
  if (!ok && !interruption()) console.error(`${output}\nThe build failed, so no test ran.`);
  return ok;
}

async function runTests(args: readonly string[]): Promise<Results> {
  const reporter = fileURLToPath(new URL('results.ts', import.meta.url));
  const { child, ended } = start(
    'vitest',
    ['run', '--reporter=default', `--reporter=${reporter}`, ...args],
    // A group of its own: Ctrl-C in a terminal comes to this process alone, which then ends vitest in an orderly way.
    { detached: true, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
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
  // The setup of the tests' servers failed, or their teardown, or no test was selected: vitest has said which.
  console.error(results.passed > 0 ? `vitest ended with code ${exitCode}, see above.` : 'No test ran, see above.');
  return { ...results, failed: 1 };
}

function summary({ passed, failed, skipped }: Results): string {
  return `tests: ${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
