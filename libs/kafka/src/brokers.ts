import type { GlobalConfig } from '@confluentinc/kafka-javascript';

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

export interface Sasl {
  mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  username: string;
  password: string;
}

/** The bootstrap servers, for messages. */
export function serversOf(brokers: Brokers): string {
  return typeof brokers === 'string' ? brokers : brokers.servers;
}

/** The settings of librdkafka that reach these brokers. It checks certificates and host names by default. */
export function brokersConfig(brokers: Brokers): GlobalConfig {
  if (typeof brokers === 'string') return { 'bootstrap.servers': brokers };
  const { protocol, tls = {}, sasl } = brokers.security;
  return {
    'bootstrap.servers': brokers.servers,
    'security.protocol': lowerCase[protocol],
    ...(tls.ca === undefined ? {} : { 'ssl.ca.pem': tls.ca }),
    ...(tls.cert === undefined ? {} : { 'ssl.certificate.pem': tls.cert }),
    ...(tls.key === undefined ? {} : { 'ssl.key.pem': tls.key }),
    ...(sasl === undefined
      ? {}
      : {
          'sasl.mechanisms': sasl.mechanism,
          'sasl.username': sasl.username,
          'sasl.password': sasl.password,
        }),
  };
}

const lowerCase = { SSL: 'ssl', SASL_PLAINTEXT: 'sasl_plaintext', SASL_SSL: 'sasl_ssl' } as const;
