// npm test [arguments for vitest]: builds everything, runs every test once, and ends with a line that says what came of it.
import { captureNx, forwardSignals, interruption } from './command.ts';
import { runVitest } from './run-vitest.ts';

// The tests kill servers, so they use their own, never those that the developer's shell points to.
for (const name of ['KAFKA_BROKER', 'WRITE_DB_DSN', 'READ_DB_DSN', 'PORT']) delete process.env[name];

forwardSignals();
const results = (await build()) ? await runVitest(process.argv.slice(2)) : { passed: 0, failed: 1, skipped: 0 };
const interrupted = interruption();
const { passed, failed, skipped } = results;
if (interrupted) console.log(`tests: interrupted by ${interrupted.signal}`);
else console.log(`tests: ${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = interrupted?.exitCode ?? (failed === 0 ? 0 : 1);

/** Some tests start the services as they are deployed, from dist. */
async function build(): Promise<boolean> {
  const { ok, output } = await captureNx('run-many', '-t', 'build');
  if (!ok && !interruption()) console.error(`${output}\nThe build failed, so no test ran.`);
  return ok;
}
