import { resolve } from 'node:path';

/** A port and the variable that sets it. */
export interface Port {
  variable: string;
  number: number;
}

/** The services that `npm start` runs. Each `database` is on the read model's server, unless its variable is set. */
const services = {
  commandApi: { variable: 'COMMAND_API_PORT', number: 8080 },
  queryApi: { variable: 'QUERY_API_PORT', number: 8081 },
  outboxRelay: { variable: 'OUTBOX_RELAY_PORT', number: 8082 },
  queryWorker: { variable: 'QUERY_WORKER_PORT', number: 8083 },
  priceHistory: {
    variable: 'PRICE_HISTORY_PORT',
    number: 8084,
    database: { variable: 'PRICES_DB_DSN', name: 'catalogue_prices' },
  },
  promotions: { variable: 'PROMOTIONS_PORT', number: 8085 },
  promotionsRelay: { variable: 'PROMOTIONS_RELAY_PORT', number: 8086 },
};

const servers = {
  writeDb: { variable: 'WRITE_DB_PORT', number: 5441 },
  readDb: { variable: 'READ_DB_PORT', number: 5442 },
  promotionsDb: { variable: 'PROMOTIONS_DB_PORT', number: 5443 },
  kafka: { variable: 'KAFKA_PORT', number: 9092 },
  kafkaController: { variable: 'KAFKA_CONTROLLER_PORT', number: 9093 },
  registry: { variable: 'SCHEMA_REGISTRY_PORT', number: 8090 },
};

export type Ports = { readonly [Name in keyof typeof services | keyof typeof servers]: Port };

/** A service and its port. */
export interface Service {
  name: string;
  port: number;
  /** `https` if the services are given a certificate. */
  scheme: Scheme;
}

export type Scheme = 'http' | 'https';

/** What the services speak: their settings are those of the environment. */
export function schemeOf(env: NodeJS.ProcessEnv): Scheme {
  return ['TLS_CERT', 'TLS_CERT_FILE'].some((variable) => textFrom(env, variable) !== undefined) ? 'https' : 'http';
}

/** The services, each by its name in `serve`, which the variable of its port repeats. */
export function servicesOn(ports: Ports, scheme: Scheme): Service[] {
  return (Object.keys(services) as (keyof typeof services)[]).map((key) => ({
    name: ports[key].variable
      .replace(/_PORT$/, '')
      .replaceAll('_', '-')
      .toLowerCase(),
    port: ports[key].number,
    scheme,
  }));
}

/** The settings of `npm start`. Given servers replace started ones. */
export interface Settings {
  ports: Ports;
  kafkaBroker: string | undefined;
  writeDb: string | undefined;
  readDb: string | undefined;
  promotionsDb: string | undefined;
  beside: { variable: string; name: string; dsn: string | undefined }[];
  /** `--registry` starts a schema registry, unless SCHEMA_REGISTRY_URL gives one. */
  startsRegistry: boolean;
}

/** Throws if a command without arguments is given some: `npm run reset -- --help` must not delete the data. */
export function refuseArguments(args: readonly string[]): void {
  if (args[0] !== undefined) throw new Error(`There is no option ${args[0]}: this command has none`);
}

/** Reads the settings; throws one line that names the faulty one. */
export function readSettings(env: NodeJS.ProcessEnv, args: readonly string[] = []): Settings {
  const unknown = args.find((arg) => arg !== '--registry');
  if (unknown !== undefined) throw new Error(`There is no option ${unknown}: the only one is --registry`);
  const entries = Object.entries({ ...services, ...servers }).map(([name, port]) => [name, portFrom(env, port)]);
  const ports = Object.fromEntries(entries) as Ports;
  requireDifferent(Object.values(ports));
  return {
    ports,
    kafkaBroker: textFrom(env, 'KAFKA_BROKER'),
    writeDb: dsnFrom(env, 'WRITE_DB_DSN'),
    readDb: dsnFrom(env, 'READ_DB_DSN'),
    promotionsDb: dsnFrom(env, 'PROMOTIONS_DB_DSN'),
    startsRegistry: args.includes('--registry') && textFrom(env, 'SCHEMA_REGISTRY_URL') === undefined,
    beside: Object.values(services).flatMap((service) =>
      'database' in service ? { ...service.database, dsn: dsnFrom(env, service.database.variable) } : [],
    ),
  };
}

/**
 * The environment of the services. By default they listen on the loopback address only, because they do not authenticate
 * callers. The catalogue page comes from query-api and sends its commands to command-api, which admits both names of this
 * machine.
 */
export function serviceEnvironment(
  env: NodeJS.ProcessEnv,
  { commandApi, queryApi, priceHistory, promotions }: Ports,
): NodeJS.ProcessEnv {
  const scheme = schemeOf(env);
  const origins = ['localhost', '127.0.0.1'].map((host) => `${scheme}://${host}:${queryApi.number}`);
  const page = {
    COMMAND_API_URL: `${scheme}://localhost:${commandApi.number}`,
    PRICES_URL: `${scheme}://localhost:${priceHistory.number}`,
    PROMOTIONS_URL: `${scheme}://localhost:${promotions.number}`,
    CORS_ORIGINS: origins.join(','),
    // With the option for new products, so that a product that is reduced right after its creation shows its prior price.
    PRICE_MARKETS: '{"EU": {"zone": "Europe/Brussels", "rules": ["new-products"]}}',
  };
  // One port cannot serve the metrics of all services.
  const own = { HOST: textFrom(env, 'HOST') ?? '127.0.0.1', METRICS_PORT: '' };
  return { ...page, ...authentication(env), ...env, ...absoluteFiles(env), ...own };
}

/** The variables that name files, with absolute paths: a service runs in its own folder. */
function absoluteFiles(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const names = Object.keys(env).filter((name) => name === 'NODE_EXTRA_CA_CERTS' || name.endsWith('_FILE'));
  return Object.fromEntries(
    names.flatMap((name) => {
      const path = textFrom(env, name);
      return path === undefined ? [] : [[name, resolve(path)]];
    }),
  );
}

/** A local stack needs no access tokens, unless its user sets something about them. */
function authentication(env: NodeJS.ProcessEnv): { AUTH?: string } {
  const names = ['AUTH', 'AUTH_ISSUER', 'AUTH_JWKS_URL', 'AUTH_AUDIENCE', 'AUTH_ALGORITHMS', 'SUBJECT_KEY'];
  const isGiven = names
    .flatMap((name) => [name, `${name}_FILE`])
    .some((variable) => textFrom(env, variable) !== undefined);
  return isGiven ? {} : { AUTH: 'off' };
}

/** An empty variable counts as absent, as in every service. */
function textFrom(env: NodeJS.ProcessEnv, variable: string): string | undefined {
  const text = env[variable]?.trim();
  return text === '' ? undefined : text;
}

function portFrom(env: NodeJS.ProcessEnv, { variable, number }: Port): Port {
  const text = textFrom(env, variable);
  if (text === undefined) return { variable, number };
  const given = Number(text);
  if (!Number.isInteger(given) || given < 1 || given > 65_535) {
    throw new Error(`${variable} must be a port from 1 to 65535, not "${text}"`);
  }
  return { variable, number: given };
}

function requireDifferent(ports: readonly Port[]): void {
  for (const [index, port] of ports.entries()) {
    const same = ports.slice(0, index).find((other) => other.number === port.number);
    if (same) throw new Error(`${same.variable} and ${port.variable} are both ${port.number}: change one of them`);
  }
}

/** The message does not repeat the text, which may contain a password. */
function dsnFrom(env: NodeJS.ProcessEnv, variable: string): string | undefined {
  const text = textFrom(env, variable);
  if (text === undefined) return undefined;
  const path = URL.canParse(text) ? new URL(text).pathname : '';
  if (path.length > 1) return text;
  throw new Error(`${variable} must be an address like postgres://user:password@localhost:5432/catalogue`);
}
