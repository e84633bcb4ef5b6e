import { readFileSync } from 'node:fs';

/** One environment variable: its parser, its default, and an example for the error message. */
export interface Setting<T> {
  variable: string;
  example: string;
  /**
   * Turns text into a value, or throws an `Error` whose message completes "KAFKA_BROKER …". A value that depends on
   * other variables parses them by `parseSettings`.
   */
  parse: (text: string, env?: Environment) => T;
  /** The value if the variable is absent or empty. A setting without a fallback is required. */
  fallback?: T;
  /** As `fallback`, for a value that other variables decide. */
  absent?: (env: Environment) => T;
  /** The danger of a valid value, if there is one: completes "KAFKA_BROKER …" as a message of `parse` does. */
  warning?: (env: Environment) => string | undefined;
}

type Values<S extends Record<string, Setting<unknown>>> = { [K in keyof S]: S[K] extends Setting<infer T> ? T : never };
export type Environment = Record<string, string | undefined>;

/** The message has one line for each missing or malformed setting. */
class SettingsError extends Error {}

/**
 * Reads all settings, and reports all faults together.
 * @throws {SettingsError} naming each missing or malformed variable, its fault and an example.
 */
export function parseSettings<S extends Record<string, Setting<unknown>>>(settings: S, env: Environment): Values<S> {
  const faults: string[] = [];
  const entries = Object.entries(settings).map(([name, setting]) => {
    try {
      return [name, valueOf(setting, env)];
    } catch (error) {
      faults.push(error instanceof SettingsError ? error.message : faultOf(setting, error as Error));
      return [name, undefined];
    }
  });
  if (faults.length > 0) throw new SettingsError(faults.join('\n'));
  return Object.fromEntries(entries) as Values<S>;
}

function faultOf({ variable, example }: Setting<unknown>, { message }: Error): string {
  return `${variable} ${withoutCredentials(message)}; for example ${variable}=${example}`;
}

/** A message quotes the text of a setting, which may be an address with a password where none belongs. */
function withoutCredentials(message: string): string {
  return message.replaceAll(/"[^"]*@([^"@]*)"/g, '"…@$1"');
}

function valueOf<T>(setting: Setting<T>, env: Environment): T {
  const text = textOf(setting.variable, env);
  if (text !== '') return setting.parse(text, env);
  if (setting.absent !== undefined) return setting.absent(env);
  if (setting.fallback === undefined) throw new Error('is missing');
  return setting.fallback;
}

/** The text of a variable, or of the file that the variable with the suffix `_FILE` names; empty if there is none. */
export function textOf(variable: string, env: Environment): string {
  const text = env[variable]?.trim() ?? '';
  const file = env[`${variable}_FILE`]?.trim() ?? '';
  if (file === '') return text;
  if (text !== '') throw new Error(`is set, and ${variable}_FILE as well: set one of them`);
  const content = contentOf(file, variable);
  if (content === '') throw new Error(`cannot be read from ${variable}_FILE, which names an empty file`);
  return content;
}

function contentOf(file: string, variable: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new Error(`cannot be read from ${variable}_FILE (${(error as Error).message})`, { cause: error });
  }
}

/**
 * As `parseSettings`, for the start of a process: writes warnings and faults to standard error, and exits after faults
 * with 78 (EX_CONFIG of sysexits).
 */
export function readSettings<S extends Record<string, Setting<unknown>>>(settings: S, env: Environment): Values<S> {
  try {
    const values = parseSettings(settings, env);
    for (const { variable, warning } of Object.values(settings)) {
      const text = warning?.(env);
      if (text !== undefined) process.stderr.write(`${variable} ${text}\n`);
    }
    return values;
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(78);
  }
}

/** A whole number within bounds. */
export function integer(variable: string, fallback: number, lowest: number, highest: number): Setting<number> {
  return {
    variable,
    fallback,
    example: String(fallback),
    parse: (text) => {
      const value = Number(text);
      if (!Number.isInteger(value) || value < lowest || value > highest) {
        throw new Error(`must be a whole number from ${lowest} to ${highest}, not "${text}"`);
      }
      return value;
    },
  };
}

/** One of the given words. */
export function choice<T extends string>(variable: string, fallback: T, words: readonly T[]): Setting<T> {
  return {
    variable,
    fallback,
    example: fallback,
    parse: (text) => {
      const word = words.find((candidate) => candidate === text);
      if (word === undefined) throw new Error(`must be one of ${words.join(', ')}, not "${text}"`);
      return word;
    },
  };
}

/** `true` or `false`; `false` when absent. */
export function flag(variable: string): Setting<boolean> {
  return {
    variable,
    fallback: false,
    example: 'true',
    parse: (text) => {
      if (text !== 'true' && text !== 'false') throw new Error(`must be true or false, not "${text}"`);
      return text === 'true';
    },
  };
}

/** The address of a PostgreSQL database. Error messages never repeat the text, which may contain a password. */
export function postgresDsn(variable: string): Setting<string> {
  return {
    variable,
    example: 'postgres://user:password@localhost:5432/catalogue',
    parse: (text, env = {}) => {
      if (!/^postgres(ql)?:\/\//.test(text)) throw new Error('must be a postgres:// address');
      const url = parsedAddress(text);
      if (url === undefined) {
        const check = 'that it has one host, that the port is at most 65535, and that special characters are %-escaped';
        throw new Error(`cannot be parsed: check ${check}`);
      }
      checkServer(url);
      if (url.pathname.length < 2) throw new Error('must name a database after the host');
      checkTls(url.searchParams);
      return withFile(text, env[`${variable}_FILE`]?.trim() ?? '');
    },
  };
}

/** Names the file of an address in the address: libs/postgres reads the password from it again for each connection. */
function withFile(address: string, file: string): string {
  if (file === '') return address;
  return `${address}${address.includes('?') ? '&' : '?'}address_file=${encodeURIComponent(file)}`;
}

/** The sessions that postgres.js can be told to use; those of libpq without `any`, which is what it does otherwise. */
const sessionKinds = ['read-write', 'read-only', 'primary', 'standby', 'prefer-standby'];

/** Refuses what libpq understands and postgres.js does not: it would take it for a host, or use another server. */
function checkServer({ hostname, searchParams }: URL): void {
  if (/%2f/i.test(hostname)) throw new Error('names a socket in place of a host: the services connect by TCP');
  const other = ['host', 'hostaddr', 'port', 'dbname', 'user', 'password'].find((name) => searchParams.has(name));
  if (other !== undefined) throw new Error(`has a parameter ${other}: write it before the ?`);
  const kind = searchParams.get('target_session_attrs');
  if (kind !== null && !sessionKinds.includes(kind))
    throw new Error(`has target_session_attrs=${kind}: use one of ${sessionKinds.join(', ')}, or remove it`);
}

const sslModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'];

/** Refuses TLS parameters that libpq refuses: a misspelt mode must not mean plain text or an unsent certificate. */
function checkTls(parameters: URLSearchParams): void {
  const mode = parameters.get('sslmode') ?? 'prefer';
  if (!sslModes.includes(mode)) throw new Error(`has an sslmode that is not one of ${sslModes.join(', ')}`);
  const own = ['sslcert', 'sslkey'].find((name) => parameters.has(name));
  const implied = parameters.get('ssl') ?? (parameters.has('sslrootcert') ? 'require' : 'prefer');
  if (own !== undefined && ['disable', 'allow', 'prefer'].includes(parameters.get('sslmode') ?? implied)) {
    throw new Error(`names a client certificate in ${own}, but its sslmode does not need TLS: set sslmode=verify-full`);
  }
  for (const name of ['sslrootcert', 'sslcert', 'sslkey']) {
    const file = parameters.get(name) ?? 'system';
    if (file === 'system' && name === 'sslrootcert') continue;
    if (file !== 'system' && !isReadable(file)) throw new Error(`names a file in ${name} that cannot be read`);
  }
}

/** Reads it: the access rights of a folder would not tell that it cannot be read as a file. */
export function isReadable(file: string): boolean {
  try {
    readFileSync(file);
    return true;
  } catch {
    return false;
  }
}

/** The address; undefined if it is malformed or its escapes cannot be decoded, since the client would throw. */
function parsedAddress(text: string): URL | undefined {
  try {
    const url = new URL(text);
    for (const part of [url.username, url.password, url.pathname]) decodeURIComponent(part);
    return url.hash === '' ? url : undefined;
  } catch {
    return undefined;
  }
}

/** The address of command-api, for clients of query-api. */
export const commandApiUrl: Setting<string> = {
  variable: 'COMMAND_API_URL',
  example: 'https://commands.shop.example',
  fallback: 'http://localhost:8080',
  parse: parseAddress,
};

/** The address of price-history, for the catalogue page; empty without one. */
export const pricesUrl: Setting<string> = {
  variable: 'PRICES_URL',
  example: 'https://prices.shop.example',
  fallback: '',
  parse: parseAddress,
};

/** The address of promotions, for the catalogue page; empty without one. */
export const promotionsUrl: Setting<string> = {
  variable: 'PROMOTIONS_URL',
  example: 'https://promotions.shop.example',
  fallback: '',
  parse: parseAddress,
};

/** An address to which a client appends paths. Error messages never repeat the text, which may contain a password. */
export function parseAddress(text: string): string {
  const url = /^https?:\/\/[^?#]+$/i.test(text) ? URL.parse(text) : null;
  if (url?.username !== '' || url.password !== '') {
    throw new Error('must be an http:// or https:// address without credentials, ? and #');
  }
  return withoutSlashes(text);
}

/** Removes trailing slashes. The pattern `/\/+$/` would take quadratic time. */
function withoutSlashes(text: string): string {
  let end = text.length;
  while (text[end - 1] === '/') end -= 1;
  return text.slice(0, end);
}

/** The origins that may call from a browser, separated by commas; none when absent. */
export const corsOrigins: Setting<string[]> = {
  variable: 'CORS_ORIGINS',
  example: 'https://shop.example',
  fallback: [],
  parse: (text) => {
    const origins = text.split(',').map((origin) => origin.trim());
    const wrong = origins.find((origin) => !URL.canParse(origin) || new URL(origin).origin !== origin);
    if (wrong !== undefined) throw new Error(`must be origins like https://host:port, not "${wrong}"`);
    return origins;
  },
};
