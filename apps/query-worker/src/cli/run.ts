import { type ParseArgsConfig, parseArgs } from 'node:util';
import { KafkaError, openAdmin } from '@catalogue/kafka';
import { connect, errorCode, isTransient } from '@catalogue/postgres';
import { readSettings } from '@catalogue/service';
import { settings } from '../settings.ts';
import { type Command, type Input, type Output, type Tools, UsageError } from './command.ts';
import { printable } from './table.ts';

const program = 'node dist/cli.js';
type Environment = Record<string, string | undefined>;
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/**
 * Runs a command and returns the exit code: 0 when it succeeded, 1 when it failed, 2 when its arguments are wrong. An error is
 * one line on standard error.
 */
export async function runCommand(
  commands: readonly Command[],
  typed: readonly string[],
  environment: Environment,
): Promise<number> {
  process.stdout.on('error', ignoreClosedPipe);
  try {
    const command = findCommand(commands, typed);
    if (command === undefined) {
      process.stdout.write(`${listOf(commands)}\n`);
      return typed.length > 0 ? 0 : 2;
    }
    const input = parse(command, typed.slice(command.name.split(' ').length));
    if (input.flags.has('help')) {
      process.stdout.write(`${helpOf(command)}\n`);
      return 0;
    }
    const output = await withTools(environment, (tools) => command.run(tools, input));
    return show(output, input);
  } catch (error) {
    process.stderr.write(`${oneLine(error)}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

/** The reader has closed the pipe (`| head`); the command has done its work all the same. */
function ignoreClosedPipe(error: Error): void {
  if (errorCode(error) !== 'EPIPE') throw error;
}

/** Undefined when the help is requested. */
function findCommand(commands: readonly Command[], typed: readonly string[]): Command | undefined {
  if (typed.length === 0 || typed[0] === '--help' || typed[0] === 'help') return undefined;
  const found = commands.find(({ name }) => name.split(' ').every((word, index) => typed[index] === word));
  if (found !== undefined) return found;
  throw new UsageError(`Unknown command "${typed.slice(0, 2).join(' ')}": see ${program} --help`);
}

function parse({ name, argument, flags = {}, options = {} }: Command, typed: string[]): Input {
  const known: NonNullable<ParseArgsConfig['options']> = {};
  for (const flag of [...Object.keys(flags), 'json', 'help']) known[flag] = { type: 'boolean' };
  for (const option of Object.keys(options)) known[option] = { type: 'string' };
  try {
    const { values, positionals } = parseArgs({
      args: typed,
      options: known,
      allowPositionals: argument !== undefined,
    });
    const given = Object.entries(values);
    return {
      positionals,
      flags: new Set(given.flatMap(([flag, value]) => (value === true ? [flag] : []))),
      options: new Map(given.flatMap(([option, value]) => (typeof value === 'string' ? [[option, value]] : []))),
    };
  } catch (error) {
    throw new UsageError(`${(error as Error).message.replace(/\.?$/, '.')} See ${program} ${name} --help`, {
      cause: error,
    });
  }
}

async function withTools(environment: Environment, run: (tools: Tools) => Promise<Output>): Promise<Output> {
  const { readDb, brokers, topic } = readSettings(
    { readDb: settings.readDb, brokers: settings.brokers, topic: settings.topic },
    environment,
  );
  const sql = connect(readDb, { name: 'query-worker command', max: 4 });
  const kafka = { brokers, clientId: 'query-worker-command', log: silent };
  const admin = openAdmin(kafka);
  try {
    return await run({ sql, admin, kafka, topic });
  } finally {
    admin.close();
    await sql.end({ timeout: 1 });
  }
}

function show({ text, data, refused }: Output, { flags }: Input): number {
  process.stdout.write(`${flags.has('json') ? JSON.stringify(data, undefined, 2) : text}\n`);
  if (refused === undefined) return 0;
  process.stderr.write(`${refused}\n`);
  return 1;
}

function oneLine(error: unknown): string {
  // A host name with several addresses fails with an error without a message.
  const { message } = error as Error;
  const told = message === '' ? (errorCode(error) ?? String(error)) : message;
  const lines = told.split('\n').map((line) => line.trim());
  return printable(adviceOn(error, lines.filter((line) => line !== '').join('; ')));
}

const undefinedTable = '42P01';
const noSuchDatabase = '3D000';

/** The message, with advice where the environment is at fault. */
function adviceOn(error: unknown, message: string): string {
  const code = errorCode(error) ?? '';
  if (code === undefinedTable)
    return `The database of READ_DB_DSN has no read model of this release (${message}): run node dist/migrate.js`;
  if (code === noSuchDatabase || code.startsWith('28'))
    return `The read database refuses: ${message}. Is READ_DB_DSN right?`;
  if (isTransient(error)) return `The read database cannot be reached: ${message}. Is it up, and is READ_DB_DSN right?`;
  if (error instanceof KafkaError) return `${message}. Is Kafka up, and is KAFKA_BROKER right?`;
  return message;
}

function listOf(commands: readonly Command[]): string {
  const forms = commands.map((command) => `${command.name} ${command.argument ?? ''}`.trimEnd());
  const width = Math.max(...forms.map((form) => form.length));
  return [
    `Usage: ${program} <command> [--json] [--help]`,
    '',
    ...commands.map(({ summary }, index) => `  ${(forms[index] ?? '').padEnd(width)}  ${summary}`),
    '',
    'Settings: READ_DB_DSN, KAFKA_BROKER; KAFKA_TOPIC.',
  ].join('\n');
}

function helpOf({ name, summary, argument = '', flags = {}, options = {} }: Command): string {
  const valued = Object.entries(options).map(([option, help]) => [`${option} <value>`, help] as const);
  const all = [...valued, ...Object.entries({ ...flags, json: 'print the result as JSON', help: 'print this text' })];
  const width = Math.max(...all.map(([flag]) => flag.length));
  return [
    `Usage: ${program} ${`${name} ${argument}`.trimEnd()} ${all.map(([flag]) => `[--${flag}]`).join(' ')}`,
    '',
    summary,
    '',
    ...all.map(([flag, help]) => `  --${flag.padEnd(width)}  ${help}`),
  ].join('\n');
}
