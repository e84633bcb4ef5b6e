import type { Codec } from '@catalogue/contracts';
import type { Admin, ClientOptions } from '@catalogue/kafka';
import type { Sql } from '@catalogue/postgres';
import type { Model } from '../model.ts';

/** The connections and settings that a command uses. */
export interface Tools {
  model: Model;
  /** How messages that could not be read are read again. */
  codec: Codec;
  sql: Sql;
  admin: Admin;
  kafka: ClientOptions;
  topic: string;
  /** The environment variable that names the topic. */
  topicVariable: string;
}

/** The arguments of a command. */
export interface Input {
  positionals: string[];
  /** Switches. */
  flags: ReadonlySet<string>;
  /** Options with their values. */
  options: ReadonlyMap<string, string>;
}

export interface Output {
  /** For people. */
  text: string;
  /** For programs (`--json`). */
  data: unknown;
  /** Why the command did not succeed although there is output. */
  refused?: string | undefined;
}

export interface Command {
  /** What the operator types: `rebuild start`. */
  name: string;
  /** One line for the list of commands. */
  summary: string;
  /** The arguments after the name, as the help shows them: `[generation]`. No arguments when absent. */
  argument?: string;
  /** Switches, with a line each for the help. */
  flags?: Record<string, string>;
  /** Options with a value, with a line each for the help. */
  options?: Record<string, string>;
  run: (tools: Tools, input: Input) => Promise<Output>;
}

/** The command line is wrong. */
export class UsageError extends Error {}
