import { createPrivateKey, X509Certificate } from 'node:crypto';
import { choice, type Environment, parseSettings, type Setting, textOf } from './settings.ts';

/** Bootstrap servers, or those with the way to authenticate: the `Brokers` of libs/kafka. */
export type KafkaBrokers = string | { servers: string; security: KafkaSecurity };

export interface KafkaSecurity {
  protocol: 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';
  tls?: { ca?: string; cert?: string; key?: string };
  sasl?: { mechanism: Mechanism; username: string; password: string };
}

type Mechanism = (typeof mechanisms)[number];

const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;

/** Kafka's bootstrap servers: `host:port`, separated by commas; and how to authenticate, from `KAFKA_SECURITY_PROTOCOL` and the variables that it needs. */
export const kafkaBrokers: Setting<KafkaBrokers> = {
  variable: 'KAFKA_BROKER',
  example: 'localhost:9092',
  parse: (text, env = {}) => {
    const isBroker = (broker: string) => /^[^\s:,/]+:\d{1,5}$/.test(broker) && Number(broker.split(':')[1]) <= 65_535;
    const wrong = text.split(',').find((broker) => !isBroker(broker.trim()));
    if (wrong !== undefined) throw new Error(`must be host:port, separated by commas, not "${wrong}"`);
    const security = securityOf(env);
    return security === undefined ? text : { servers: text, security };
  },
  warning: (env) => {
    const security = securityOf(env);
    return security?.protocol === 'SASL_PLAINTEXT' && security.sasl?.mechanism === 'PLAIN' ? clearText : undefined;
  },
};

const clearText =
  'gets the password in clear text: set KAFKA_SECURITY_PROTOCOL=SASL_SSL, or a KAFKA_SASL_MECHANISM of SCRAM, against whoever listens';

/** The topic that carries the events. */
export function kafkaTopic(fallback: string): Setting<string> {
  return {
    variable: 'KAFKA_TOPIC',
    fallback,
    example: fallback,
    parse: (text) => {
      // Kafka's own rule: org.apache.kafka.common.internals.Topic.
      if (!/^[a-zA-Z0-9._-]{1,249}$/.test(text)) throw new Error(`must be a topic name, not "${text}"`);
      return text;
    },
  };
}

const protocols = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'] as const;
const tlsVariables = ['KAFKA_SSL_CA', 'KAFKA_SSL_CERT', 'KAFKA_SSL_KEY'] as const;
const saslVariables = ['KAFKA_SASL_MECHANISM', 'KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'] as const;

/** Undefined for plain TCP. Refuses variables that the protocol would ignore: a password for plain TCP is a mistake. */
function securityOf(env: Environment): KafkaSecurity | undefined {
  const { protocol } = parseSettings({ protocol: choice('KAFKA_SECURITY_PROTOCOL', 'PLAINTEXT', protocols) }, env);
  const hasTls = protocol === 'SSL' || protocol === 'SASL_SSL';
  const hasSasl = protocol === 'SASL_PLAINTEXT' || protocol === 'SASL_SSL';
  const ignored = [...(hasTls ? [] : tlsVariables), ...(hasSasl ? [] : saslVariables)];
  parseSettings(Object.fromEntries(ignored.map((variable) => [variable, ignoredBy(protocol, variable)])), env);
  if (protocol === 'PLAINTEXT') return undefined;
  return { protocol, ...(hasTls && { tls: tlsOf(env) }), ...(hasSasl && { sasl: saslOf(env) }) };
}

function ignoredBy(protocol: string, variable: string): Setting<string> {
  const parse = (): never => {
    throw new Error(`is ignored under KAFKA_SECURITY_PROTOCOL=${protocol}: change the protocol or remove it`);
  };
  return { variable, example: '', fallback: '', parse };
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

/** Text in PEM format. Error messages never repeat it. */
function pem(variable: string, isValid: (text: string) => boolean): Setting<string> {
  return {
    variable,
    example: '"$(cat file.pem)"',
    parse: (text) => {
      if (!isValid(text)) throw new Error('must be text in PEM format');
      return text;
    },
  };
}

function isCertificate(text: string): boolean {
  try {
    return new X509Certificate(text).subject !== '';
  } catch {
    return false;
  }
}

/** An encrypted key would need a passphrase. */
function isKey(text: string): boolean {
  try {
    return createPrivateKey(text).type === 'private';
  } catch {
    return false;
  }
}

function saslOf(env: Environment): NonNullable<KafkaSecurity['sasl']> {
  const [mechanism, username, password] = saslVariables;
  const parse = (text: string) => text;
  return parseSettings(
    {
      mechanism: choice(mechanism, 'SCRAM-SHA-512', mechanisms),
      username: { variable: username, example: 'outbox-relay', parse },
      password: { variable: password, example: 'secret', parse },
    },
    env,
  );
}
