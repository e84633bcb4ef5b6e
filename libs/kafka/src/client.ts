import { setTimeout as delay } from 'node:timers/promises';
import type { GlobalConfig, LibrdKafkaError, MetadataOptions } from '@confluentinc/kafka-javascript';
import { codes, isAway, type KafkaError, kafkaError } from './errors.ts';
import type { Log } from './log.ts';

export interface ClientOptions {
  /** Bootstrap servers, comma-separated. */
  brokers: string;
  /** Shown in the broker's logs and quotas. */
  clientId: string;
  log: Log;
}

/** Settings that every client of ours has. */
export function baseConfig({ brokers, clientId }: Omit<ClientOptions, 'log'>): GlobalConfig {
  return {
    'bootstrap.servers': brokers,
    'client.id': clientId,
    // The default backs off to 10 s: an outage of a second must not become one of ten.
    'reconnect.backoff.ms': 50,
    'reconnect.backoff.max.ms': 1000,
  };
}

/** What producers and consumers have in common. */
interface AnyClient {
  connect(options: MetadataOptions, done: (error: LibrdKafkaError | null) => void): unknown;
  getMetadata(options: MetadataOptions, done: (error: LibrdKafkaError | null) => void): unknown;
  isConnected(): boolean;
  on(event: 'event.error', listener: (error: LibrdKafkaError) => void): unknown;
  on(event: 'event.log', listener: (line: { fac: string; message: string }) => void): unknown;
}

/**
 * Connects a client and resolves with it, however long the brokers are away. A client that failed to connect cannot be
 * used again, so each attempt makes a new one.
 */
export async function connectPatiently<T extends AnyClient>(make: () => T, log: Log, signal: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const client = make();
    try {
      await connect(client);
      return client;
    } catch (error) {
      if (attempt === 1) log.warn({ err: error }, 'Kafka cannot be reached; trying until it can');
      await delay(Math.min(100 * 2 ** attempt, 1000), undefined, { signal });
    }
  }
}

function connect(client: AnyClient): Promise<void> {
  return new Promise((resolve, reject) => {
    client.connect({ allTopics: false, timeout: 2000 }, (error) => {
      if (error) reject(kafkaError('Connecting to Kafka', error));
      else resolve();
    });
  });
}

/** Follows whether the brokers of a connected client can be reached, and logs when that changes. */
export class Reachability {
  readonly #client: AnyClient;
  readonly #log: Log;
  #reachable = true;

  constructor(client: AnyClient, log: Log, onFatal: (error: KafkaError) => void) {
    this.#client = client;
    this.#log = log;
    client.on('event.error', (cause) => {
      const error = kafkaError('Kafka client', cause);
      if (error.fatal) onFatal(error);
      else if (error.code === codes.ERR__ALL_BROKERS_DOWN) this.#lost(error);
      else log[isAway(error.code) ? 'debug' : 'warn']({ err: error }, 'Kafka client error');
    });
    client.on('event.log', (line: { fac: string; message: string }) => {
      log.debug({ facility: line.fac }, line.message);
    });
  }

  get reachable(): boolean {
    return this.#reachable;
  }

  /** Something came from a broker. */
  proven(): void {
    if (this.#reachable) return;
    this.#reachable = true;
    this.#log.info({}, 'Kafka is back');
  }

  #lost(error: KafkaError): void {
    if (!this.#reachable) return;
    this.#reachable = false;
    this.#log.warn({ err: error }, 'Kafka cannot be reached; going on when it is back');
    this.#probe();
  }

  /** The client has no event for a broker that is back. */
  #probe(): void {
    if (this.#reachable || !this.#client.isConnected()) return;
    this.#client.getMetadata({ allTopics: false, timeout: 1000 }, (error) => {
      if (error) setTimeout(() => this.#probe(), 200).unref();
      else this.proven();
    });
  }
}
