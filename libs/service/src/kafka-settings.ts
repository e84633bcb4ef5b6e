import { type AccessToken, type AccessTokenLog, ClientCredentials } from './client-credentials.ts';
import { isCertificate, isKey, pem } from './pem.ts';
import { choice, type Environment, parseSettings, type Setting, textOf } from './settings.ts';
import { tokenAddress, tokenResource, tokenScope } from './token-settings.ts';

/** Bootstrap servers, or those with the way to authenticate: the `Brokers` of libs/kafka. */
export type KafkaBrokers = string | { servers: string; security: KafkaSecurity };

export interface KafkaSecurity {
  protocol: 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';
  tls?: { ca?: string; cert?: string; key?: string };
  /** A client reads `passwordFile` again. */
  sasl?:
    | { mechanism: PasswordMechanism; username: string; password: string; passwordFile?: string }
    | { mechanism: 'OAUTHBEARER'; token: (log?: AccessTokenLog, known?: string) => Promise<AccessToken> };
}

type PasswordMechanism = Exclude<(typeof mechanisms)[number], 'OAUTHBEARER'>;

const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'] as const;

/**
 * Kafka's bootstrap servers: `host:port`, separated by commas, IPv6 addresses in brackets; and how to authenticate, from `KAFKA_SECURITY_PROTOCOL` and the
 * variables that it needs.
 */
export const kafkaBrokers: Setting<KafkaBrokers> = {
  variable: 'KAFKA_BROKER',
  example: 'localhost:9092',
  parse: (text, env = {}) => {
    const wrong = text.split(',').find((broker) => !isBroker(broker.trim()));
    if (wrong !== undefined) throw new Error(`must be host:port, separated by commas, not "${wrong}"`);
    const security = securityOf(env);
    return security === undefined ? text : { servers: text, security };
  },
  warning: (env) => {
    const security = securityOf(env);
    if (security?.protocol !== 'SASL_PLAINTEXT') return undefined;
    const secret = { PLAIN: 'password', OAUTHBEARER: 'token' }[security.sasl?.mechanism as string];
    return secret === undefined ? undefined : `gets the ${secret} in clear text: ${remedy}`;
  },
};

/** Whether a text is `host:port`, with an IPv6 address in brackets, as librdkafka reads it. */
function isBroker(text: string): boolean {
  const port = /^(?:\[[\da-f:.]+\]|[^\s:,/[\]]+):(\d{1,5})$/i.exec(text)?.[1];
  return port !== undefined && Number(port) <= 65_535;
}

const remedy = 'set KAFKA_SECURITY_PROTOCOL=SASL_SSL, or a KAFKA_SASL_MECHANISM of SCRAM, so that nobody can read it';

/** The topic that carries the events. */
export function kafkaTopic(fallback: string): Setting<string> {
  return {
    variable: 'KAFKA_TOPIC',
    fallback,
    example: fallback,
    parse: (text) => {
      // Kafka's own rule: org.apache.kafka.common.internals.Topic.
      if (!/^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}$/.test(text)) throw new Error(`must be a topic name, not "${text}"`);
      return text;
    },
  };
}

const protocols = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'] as const;
const tlsVariables = ['KAFKA_SSL_CA', 'KAFKA_SSL_CERT', 'KAFKA_SSL_KEY'] as const;
const saslVariables = ['KAFKA_SASL_MECHANISM', 'KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'] as const;
const tokenVariables = ['KAFKA_SASL_TOKEN_URL', 'KAFKA_SASL_SCOPE', 'KAFKA_SASL_RESOURCE'] as const;

/** Undefined for plain TCP. Refuses variables that the protocol would ignore: a password for plain TCP is a mistake. */
function securityOf(env: Environment): KafkaSecurity | undefined {
  const { protocol } = parseSettings({ protocol: choice('KAFKA_SECURITY_PROTOCOL', 'PLAINTEXT', protocols) }, env);
  const hasTls = protocol === 'SSL' || protocol === 'SASL_SSL';
  const hasSasl = protocol === 'SASL_PLAINTEXT' || protocol === 'SASL_SSL';
  const ignored = [...(hasTls ? [] : tlsVariables), ...(hasSasl ? [] : [...saslVariables, ...tokenVariables])];
  refuse(ignored, `KAFKA_SECURITY_PROTOCOL=${protocol}`, env);
  if (protocol === 'PLAINTEXT') return undefined;
  return { protocol, ...(hasTls && { tls: tlsOf(env) }), ...(hasSasl && { sasl: saslOf(env) }) };
}

/** Throws if one of the variables is set, since another setting makes it mean nothing. */
function refuse(variables: readonly string[], cause: string, env: Environment): void {
  const [name = ''] = cause.split('=');
  const parse = (): never => {
    throw new Error(`is ignored under ${cause}: change ${name} or remove it`);
  };
  const refused = (variable: string): Setting<string> => ({ variable, example: '', fallback: '', parse });
  parseSettings(Object.fromEntries(variables.map((variable) => [variable, refused(variable)])), env);
}

function tlsOf(env: Environment): NonNullable<KafkaSecurity['tls']> {
  const [ca, cert, key] = tlsVariables;
  const { ca: authorities } = parseSettings({ ca: { ...pem(ca, isCertificate), fallback: '' } }, env);
  const trusted = authorities === '' ? {} : { ca: authorities };
  const isGiven = [cert, key].some((variable) => textOf(variable, env) !== '');
  return isGiven
    ? { ...trusted, ...parseSettings({ cert: pem(cert, isCertificate), key: pem(key, isKey) }, env) }
    : trusted;
}

/** With OAUTHBEARER, user and password are those of a client of the issuer. */
function saslOf(env: Environment): NonNullable<KafkaSecurity['sasl']> {
  const parse = (text: string) => text;
  const [, , passwordVariable] = saslVariables;
  const { mechanism, username, password } = parseSettings(
    {
      mechanism: choice(saslVariables[0], 'SCRAM-SHA-512', mechanisms),
      username: { variable: saslVariables[1], example: 'outbox-relay', parse },
      password: { variable: passwordVariable, example: 'secret', parse },
    },
    env,
  );
  if (mechanism !== 'OAUTHBEARER') {
    refuse(tokenVariables, `KAFKA_SASL_MECHANISM=${mechanism}`, env);
    const passwordFile = env[`${passwordVariable}_FILE`]?.trim() ?? '';
    return { mechanism, username, password, ...(passwordFile === '' ? {} : { passwordFile }) };
  }
  const { tokenUrl, scope, resource } = parseSettings(
    {
      tokenUrl: tokenAddress(tokenVariables[0]),
      scope: tokenScope(tokenVariables[1], ''),
      resource: tokenResource(tokenVariables[2]),
    },
    env,
  );
  const clientSecret = () => textOf(passwordVariable, env);
  const credentials = new ClientCredentials({ tokenUrl, clientId: username, clientSecret, scope, resource });
  return { mechanism, token: (log, known) => credentials.token(log, known) };
}
