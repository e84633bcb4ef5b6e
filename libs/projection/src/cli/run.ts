import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { Codec } from '@catalogue/contracts';
import { type Brokers, KafkaError, openAdmin } from '@catalogue/kafka';
import { connect, faultOfDatabase } from '@catalogue/postgres';
import { outliveClosedPipe, readSettings, registrySettings, type Setting } from '@catalogue/service';
import type { Model } from '../model.ts';
import { type Command, type Input, type Output, type Tools, UsageError } from './command.ts';
import { lag } from './lag.ts';
import { parked } from './parked.ts';
import { rebuild } from './rebuild.ts';
import { printable } from './table.ts';

const program = 'node dist/cli.js';
type Environment = Record<string, string | undefined>;
const commands: readonly Command[] = [...parked, ...rebuild, lag];
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** The settings that the operator's tool of a service reads. */
export interface ToolSettings {
  readDb: Setting<string>;
  brokers: Setting<Brokers>;
  topic: Setting<string>;
}

/** What the operator's tool of a service is made of. */
export interface ToolOptions extends ToolSettings {
  /** How the service reads messages. */
  codec: Codec;
}

/**
 * The operator's tool of a model: runs the command that was typed, and returns the exit code: 0 when it succeeded, 1 when it
 * failed, 2 when its arguments are wrong. An error is one line on standard error.
 */
export async function runCommand(
  model: Model,
  { readDb, brokers, topic, codec }: ToolOptions,
  typed: readonly string[],
  environment: Environment,
): Promise<number> {
  const settings: ToolSettings = { readDb, brokers, topic };
  outliveClosedPipe();
  try {
    const command = findCommand(typed);
    if (command === undefined) {
      process.stdout.write(`${listOf(settings)}\n`);
      return typed.length > 0 ? 0 : 2;
    }
    const input = parse(command, typed.slice(command.name.split(' ').length));
    if (input.flags.has('help')) {
      process.stdout.write(`${helpOf(command)}\n`);
      return 0;
    }
    const output = await withTools({ model, codec }, settings, environment, (tools) => command.run(tools, input));
    return show(output, input);
  } catch (error) {
    process.stderr.write(`${oneLine(error, settings)}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

/** Undefined when the help is requested. */
function findCommand(typed: readonly string[]): Command | undefined {
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

async function withTools(
  { model, codec }: Pick<Tools, 'model' | 'codec'>,
  settings: ToolSettings,
  environment: Environment,
  run: (tools: Tools) => Promise<Output>,
): Promise<Output> {
  const { readDb, brokers, topic } = readSettings({ ...settings }, environment);
  const sql = connect(readDb, { name: `${model.name} command`, max: 4 });
  const kafka = { brokers, clientId: `${model.name}-command`, log: silent };
  const admin = openAdmin(kafka);
  try {
    return await run({ model, codec, sql, admin, kafka, topic, topicVariable: settings.topic.variable });
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

function oneLine(error: unknown, { readDb, brokers }: ToolSettings): string {
  const advice = error instanceof KafkaError ? `. Is Kafka up, and is ${brokers.variable} right?` : '';
  return printable(`${faultOfDatabase(error, readDb.variable)}${advice}`);
}

function listOf({ readDb, brokers, topic }: ToolSettings): string {
  const forms = commands.map((command) => `${command.name} ${command.argument ?? ''}`.trimEnd());
  const width = Math.max(...forms.map((form) => form.length));
  return [
    `Usage: ${program} <command> [--json] [--help]`,
    '',
    ...commands.map(({ summary }, index) => `  ${(forms[index] ?? '').padEnd(width)}  ${summary}`),
    '',
    `Settings: ${readDb.variable}, ${brokers.variable}; ${topic.variable}, ${registrySettings.url.variable}.`,
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
