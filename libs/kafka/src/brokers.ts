import { readFileSync } from 'node:fs';
import type { GlobalConfig } from '@confluentinc/kafka-javascript';
import type { Log } from './log.ts';

/** Bootstrap servers, comma-separated; with `security` if they expect more than plain TCP. */
export type Brokers = string | SecuredBrokers;

export interface SecuredBrokers {
  servers: string;
  security: Security;
}

/** How a client encrypts its connections, and how it authenticates. */
export interface Security {
  protocol: 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';
  tls?: Tls;
  sasl?: Sasl;
}

/** PEM texts. */
export interface Tls {
  /** The authorities that may have signed the brokers' certificates; those that the system trusts when absent. */
  ca?: string;
  /** The client's certificate and key, for brokers that authenticate clients by certificate. */
  cert?: string;
  key?: string;
}

export type Sasl = PasswordSasl | TokenSasl;

export interface PasswordSasl {
  mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  username: string;
  password: string;
  /** The file that the password came from. Clients read it again, so that it can change without a restart. */
  passwordFile?: string;
}

/** The current password. The known one stays while its file is missing or empty, as in the middle of a change. */
export function passwordOf({ password, passwordFile }: PasswordSasl): string {
  if (passwordFile === undefined) return password;
  try {
    return readFileSync(passwordFile, 'utf8').trim() || password;
  } catch {
    return password;
  }
}

/** The current user and password; undefined if the password cannot change while the process runs. */
export function credentialsOf(brokers: Brokers): { username: string; password: string } | undefined {
  const sasl = typeof brokers === 'string' ? undefined : brokers.security.sasl;
  if (sasl === undefined || sasl.mechanism === 'OAUTHBEARER' || sasl.passwordFile === undefined) return undefined;
  return { username: sasl.username, password: passwordOf(sasl) };
}

export interface TokenSasl {
  mechanism: 'OAUTHBEARER';
  /**
   * Resolves with a token that is valid now, and its end in milliseconds since 1970. If `known` is about to end, waits
   * for the next token. Logs when the issuer gives none.
   */
  token(log?: Log, known?: string): Promise<{ value: string; expiresAt: number }>;
}

/** The bootstrap servers, for messages. */
export function serversOf(brokers: Brokers): string {
  return typeof brokers === 'string' ? brokers : brokers.servers;
}

/** The settings of librdkafka that reach these brokers. It checks certificates and host names by default. */
export function brokersConfig(brokers: Brokers, log?: Log): GlobalConfig {
  if (typeof brokers === 'string') return { 'bootstrap.servers': brokers };
  const { protocol, tls = {}, sasl } = brokers.security;
  return {
    'bootstrap.servers': brokers.servers,
    'security.protocol': lowerCase[protocol],
    ...(tls.ca === undefined ? {} : { 'ssl.ca.pem': tls.ca }),
    ...(tls.cert === undefined ? {} : { 'ssl.certificate.pem': tls.cert }),
    ...(tls.key === undefined ? {} : { 'ssl.key.pem': tls.key }),
    ...(sasl === undefined ? {} : saslConfig(sasl, log)),
  };
}

function saslConfig(sasl: Sasl, log: Log | undefined): GlobalConfig {
  if (sasl.mechanism === 'OAUTHBEARER') {
    return { 'sasl.mechanisms': sasl.mechanism, oauthbearer_token_refresh_cb: tokenGiver(sasl, log) };
  }
  return { 'sasl.mechanisms': sasl.mechanism, 'sasl.username': sasl.username, 'sasl.password': passwordOf(sasl) };
}

type GiveToken = (fault: Error | null, token?: { tokenValue: string; lifetime: number; principal: string }) => void;

/**
 * Answers the client when it needs a token: before it connects, and when 80% of the token's time are over. Without a
 * token it asks again after 10 s. Its own way to fetch tokens needs libcurl, which builds from source lack.
 */
function tokenGiver(sasl: TokenSasl, log: Log | undefined) {
  let given: string | undefined;
  return (_config: string, give: GiveToken): void => {
    sasl
      .token(log, given)
      .then(
        ({ value, expiresAt }) => {
          given = value;
          give(null, { tokenValue: value, lifetime: expiresAt, principal: '' });
        },
        // `give` writes into the message (1.10.1), and a fault may be given to several clients.
        (cause: unknown) => give(new Error((cause as Error).message, { cause })),
      )
      // After `give` told librdkafka, it throws the failure, unless the client has a listener for "error".
      .catch((error: unknown) => log?.debug({ err: error }, 'The Kafka client got no token'));
  };
}

const lowerCase = { SSL: 'ssl', SASL_PLAINTEXT: 'sasl_plaintext', SASL_SSL: 'sasl_ssl' } as const;
