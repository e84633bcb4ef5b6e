// npm run bench -- --help lists the options. Measures the running system beside the floors of this machine.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { readArguments, UsageError, usage } from './arguments.ts';
import { Bed } from './bed.ts';
import { buildAll } from '@catalogue/acceptance';
import { withRecord } from './document.ts';
import { environment } from './environment.ts';
import { latencyPlot } from './latency-plot.ts';
import { commitTool } from './floors/commits.ts';
import { disturbance, type Outcome, reportOf } from './report.ts';
import { choose, runRounds } from './rounds.ts';
import { openServers } from './servers.ts';
import { scenarios } from './scenarios/index.ts';
import { type Plot, svgOf } from './plot.ts';

const { values, chosen } = readOptions();
const { rounds, postgres: postgresVersion } = values;
const times = values.quick ? { warmUp: 1_000, duration: 2_000 } : { warmUp: 2_000, duration: 5_000 };

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(name));

console.log('Building, and starting the services');
await buildAll();
const measured = await measure();
console.log(`\n${measured.record}\n`);
if (values.plots !== undefined) await draw(measured.plots, values.plots);
for (const failure of measured.failures) console.error(`FAILED ${failure}`);
if (measured.failures.length > 0) process.exitCode = 1;
else if (values.write) await write(measured.record);

/** Ends the process when it is asked for help (exit code 0), or when the options are wrong (2). */
function readOptions() {
  try {
    const read = readArguments(process.argv.slice(2));
    if (read.help) {
      console.log(usage);
      process.exit(0);
    }
    return { values: read, chosen: choose(scenarios, read.only) };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`bench: ${error.message}\n\n${usage}`);
    process.exit(2);
  }
}

/** After an interruption, ends the process when everything that was started has ended. */
async function measure(): Promise<{ record: string; failures: string[]; plots: Plot[] }> {
  try {
    await using servers = values.servers ? await openServers(process.env) : undefined;
    for (const line of servers?.described ?? []) console.log(line);
    await using bed = await Bed.start(times, { postgresVersion, servers });
    const measuredOn = await environment(bed.writeDb, commitTool, servers?.described);
    const { signal } = stop;
    const { outcomes, failures } = await runRounds(bed, chosen, { rounds, log: console.log, signal });
    const plots = [...bed.plots, ...latencyPlot(outcomes)];
    return { record: recordOf(measuredOn, outcomes), failures, plots };
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    const name = stop.signal.reason as NodeJS.Signals;
    console.error(`Interrupted by ${name}`);
    process.exit(128 + constants.signals[name]);
  }
}

function recordOf(measuredOn: readonly string[], found: readonly Outcome[]): string {
  const { warmUp, duration } = times;
  const runs = `${rounds} ${rounds === 1 ? 'round' : 'rounds'} of ${duration / 1000} s after ${warmUp / 1000} s of warm-up`;
  const others = disturbance(found);
  const warning = `Something else kept ${others.toFixed(2)} cores busy meanwhile: measure again on a quiet machine.`;
  return [
    [...measuredOn, runs].map((line) => `- ${line}`).join('\n'),
    ...(others > 0.1 ? [`**${warning}**`] : []),
    reportOf(found),
  ].join('\n\n');
}

/** Writes an SVG file for each plot; the latest of a name. */
async function draw(plots: readonly Plot[], folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const plot of plots) await writeFile(join(folder, `${plot.name}.svg`), svgOf(plot));
  const names = [...new Set(plots.map(({ name }) => `${name}.svg`))];
  console.log(names.length === 0 ? 'No scenario of this run is plotted' : `Wrote ${names.join(', ')} to ${folder}`);
}

async function write(record: string): Promise<void> {
  const file = new URL('../../../docs/performance.md', import.meta.url);
  await writeFile(file, withRecord(await readFile(file, 'utf8'), record));
  console.log('Recorded in docs/performance.md');
}
