import type { Admin, ClientOptions } from '@catalogue/kafka';
import type { Sql } from '@catalogue/postgres';

/** What a command works with. */
export interface Tools {
  sql: Sql;
  admin: Admin;
  kafka: ClientOptions;
  topic: string;
}

/** What was typed after the command's name. */
export interface Input {
  positionals: string[];
  /** Switches that were given. */
  flags: ReadonlySet<string>;
  /** Options that were given, with their values. */
  options: ReadonlyMap<string, string>;
}

export interface Output {
  /** For people. */
  text: string;
  /** For programs (`--json`). */
  data: unknown;
  /** Why the command did not do what it was asked for, though there is something to show. */
  refused?: string;
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

/** What was typed is no command, or not in this form. */
export class UsageError extends Error {}
