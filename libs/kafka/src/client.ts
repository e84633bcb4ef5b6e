import { setTimeout as delay } from 'node:timers/promises';
import type { GlobalConfig, LibrdKafkaError, Metadata, MetadataOptions } from '@confluentinc/kafka-javascript';
import { type Brokers, brokersConfig } from './brokers.ts';
import { kafkaError } from './errors.ts';
import type { Log } from './log.ts';

export interface ClientOptions {
  brokers: Brokers;
  /** Shown in the broker's logs and quotas. */
  clientId: string;
  log: Log;
}

type BaseOptions = Omit<ClientOptions, 'log'> & { log?: Log };

/** Settings of every client. */
export function baseConfig({ brokers, clientId, log }: BaseOptions): GlobalConfig {
  return {
    ...brokersConfig(brokers, log),
    'client.id': clientId,
    // By default the pause between attempts grows to 10 s, so that an outage of 1 s would last 10 s.
    'reconnect.backoff.ms': 50,
    'reconnect.backoff.max.ms': 1000,
    // By default a producer that asks for a missing topic has the broker create it, with the broker's number of partitions.
    'allow.auto.create.topics': false,
  };
}

/** What producers and consumers share. */
export interface AnyClient {
  connect(options: MetadataOptions, done: (error: LibrdKafkaError | null) => void): unknown;
  getMetadata(options: MetadataOptions, done: (error: LibrdKafkaError | null, metadata: Metadata) => void): unknown;
  isConnected(): boolean;
  setSaslCredentials(username: string, password: string): void;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'event.error', listener: (error: LibrdKafkaError) => void): unknown;
  on(event: 'event.log', listener: (line: { fac: string; message: string }) => void): unknown;
}

/**
 * Creates and connects a client, and retries until a broker answers. A client that failed to connect cannot be used
 * again, so each attempt creates a new one.
 */
export async function connectPatiently<T extends AnyClient>(make: () => T, log: Log, signal: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const client = make();
    try {
      await connect(client);
      return client;
    } catch (error) {
      if (attempt === 1 && !signal.aborted) log.warn({ err: error }, 'Kafka cannot be reached; retrying');
      await delay(Math.min(100 * 2 ** attempt, 1000), undefined, { signal });
    }
  }
}

/** Rejects when no broker answers within `timeoutMs`. */
export function connect(client: AnyClient, timeoutMs = 2000): Promise<void> {
  return new Promise((resolve, reject) => {
    client.connect({ allTopics: false, timeout: timeoutMs }, (error) => {
      if (error) reject(kafkaError('Connecting to Kafka', error));
      else resolve();
    });
  });
}

/**
 * Asks a broker for the cluster's brokers and for one topic. A missing topic has no partitions, and is not created.
 *
 * `topic` may be undefined only while the client has used none: librdkafka (2.15) then asks for all topics that the
 * client knows of, and lets the broker create those that are missing, whatever `allow.auto.create.topics` says. Rejects
 * when no broker answers within `timeoutMs`.
 */
export function askMetadata(client: AnyClient, timeoutMs: number, topic: string | undefined): Promise<Metadata> {
  return new Promise((resolve, reject) => {
    const options = { allTopics: false, timeout: timeoutMs, ...(topic === undefined ? {} : { topic }) };
    client.getMetadata(options, (error, metadata) => {
      if (error) reject(kafkaError('Asking Kafka', error));
      else resolve(metadata);
    });
  });
}
