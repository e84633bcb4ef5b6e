// npm test [arguments for vitest]: builds everything and runs every test once. Its last line is "N passed, N failed", with
// ", N skipped" where there are any, and no word before it: programs read it.
import { captureNx, forwardSignals, interruption } from './command.ts';
import { lastLine } from './last-line.ts';
import { runVitest } from './run-vitest.ts';

forwardSignals();
const results = (await build()) ? await runVitest(process.argv.slice(2)) : { passed: 0, failed: 1, skipped: 0 };
const interrupted = interruption();
if (interrupted) console.log(`Interrupted by ${interrupted.signal}`);
console.log(lastLine(interrupted ? { ...results, failed: results.failed + 1 } : results));
process.exitCode = interrupted?.exitCode ?? (results.failed === 0 ? 0 : 1);

/** Some tests start the services as they are deployed, from dist. */
async function build(): Promise<boolean> {
  const { ok, output } = await captureNx('run-many', '-t', 'build');
  if (!ok && !interruption()) console.error(`${output}\nThe build failed, so no test ran.`);
  return ok;
}
