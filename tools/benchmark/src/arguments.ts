import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import { postgresVersionOf } from '@catalogue/local-stack';

export const usage = `Usage: npm run bench -- [option]…

Measures the running system beside the floors of this machine.

  --only <scenario>     one scenario and its floors; may be repeated; a name that ends with * names all that begin so
  --rounds <n>          how often each scenario is measured (3; with --quick 1)
  --quick               runs of 2 s: checks that everything works; too short for figures
  --postgres <version>  starts this version of PostgreSQL
  --servers             uses the servers of KAFKA_BROKER, WRITE_DB_DSN and READ_DB_DSN instead of its own
  --plots <folder>      writes the plots as SVG files into this folder
  --write               records the result of a whole run in docs/performance.md
  --help                prints this`;

const options = {
  quick: { type: 'boolean', default: false },
  only: { type: 'string', multiple: true },
  rounds: { type: 'string' },
  postgres: { type: 'string' },
  servers: { type: 'boolean', default: false },
  plots: { type: 'string' },
  write: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} satisfies ParseArgsOptionsConfig;

/** The options do not go together, or have a wrong value. */
export class UsageError extends Error {}

/** The options of the command. @throws {UsageError} */
export function readArguments(typed: readonly string[]) {
  const { only = [], rounds: times, postgres, ...values } = parse(typed);
  const rounds = Number(times ?? (values.quick ? 1 : 3));
  if (!Number.isSafeInteger(rounds) || rounds < 1)
    throw new UsageError(`--rounds must be a positive integer, not "${times}"`);
  if (values.write && only.length > 0) throw new UsageError('Only a whole run is recorded: --write without --only');
  if (values.servers && postgres !== undefined)
    throw new UsageError('--servers has its own PostgreSQL: omit --postgres');
  return {
    ...values,
    only,
    rounds,
    postgres: postgres === undefined ? undefined : wrongBy(() => postgresVersionOf(postgres)),
  };
}

function parse(typed: readonly string[]) {
  return wrongBy(() => parseArgs({ args: [...typed], options }).values);
}

function wrongBy<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}
