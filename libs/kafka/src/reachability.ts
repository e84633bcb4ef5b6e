import { setTimeout as delay } from 'node:timers/promises';
import kafka from '@confluentinc/kafka-javascript';
import { credentialsOf } from './brokers.ts';
import { type AnyClient, askMetadata, baseConfig, type ClientOptions, connect } from './client.ts';
import { codes, isAway, KafkaError, kafkaError } from './errors.ts';

/** Pause between metadata requests while brokers answer. */
const calmPauseMs = 5000;
/** Pause while they do not. */
const alarmedPauseMs = 500;
/** Silence after which a second client tries to reach the brokers. */
const suspiciousAfterMs = 5000;
/** A client that got no token asks again after 10 s, waits 5 s for it, and connects. A second client gets one at once. */
const tokenlessMs = 20_000;

/**
 * Tracks whether a connected client reaches its brokers, logs changes, and detects a client that never will again.
 *
 * A broker that has just restarted may report a cluster without brokers. A client that receives this forgets all
 * brokers and never reconnects, without an error (https://github.com/confluentinc/librdkafka/issues/5301; seen here in
 * 1 of 30 clients after their only broker had been frozen for 20 s). So the client is asked for metadata regularly. If
 * it gets no answer while a new client does, it is reported as fatally failed. Before each question the client is told
 * the password, if that has changed.
 */
export class Reachability {
  readonly #client: AnyClient;
  readonly #options: ClientOptions;
  readonly #topic: () => string | undefined;
  readonly #onFatal: (error: KafkaError) => void;
  readonly #closing = new AbortController();
  #reachable = true;
  #silentSince: number | undefined;
  #tokenlessSince = Number.NEGATIVE_INFINITY;
  /** The password that the client was told last; undefined at first, because the file may have changed since its creation. */
  #password: string | undefined;

  /** `topic` returns a topic that the client uses, undefined before the first. `onFatal` is told when the client is lost. */
  constructor(
    client: AnyClient,
    options: ClientOptions,
    topic: () => string | undefined,
    onFatal: (error: KafkaError) => void,
  ) {
    this.#client = client;
    this.#options = options;
    this.#topic = topic;
    this.#onFatal = onFatal;
    const { log } = options;
    client.on('event.error', (cause) => {
      const error = kafkaError('Kafka client', cause);
      if (error.fatal) onFatal(error);
      else if (error.code === codes.ERR__ALL_BROKERS_DOWN) this.#lost(error);
      else log[isAway(error.code) ? 'debug' : 'warn']({ err: error }, 'Kafka client error');
    });
    // This client got no token. `TokenSasl.token` has logged why.
    client.on('error', (err) => {
      this.#tokenlessSince = performance.now();
      log.debug({ err }, 'The Kafka client got no token');
    });
    client.on('event.log', ({ fac, message }) => log.debug({ facility: fac }, message));
    this.#watch().catch((error: unknown) => {
      if (!this.#closing.signal.aborted) onFatal(kafkaError('Watching the Kafka client', error));
    });
  }

  get reachable(): boolean {
    return this.#reachable;
  }

  /** Records that the client received something from a broker. */
  proven(): void {
    this.#silentSince = undefined;
    if (this.#reachable) return;
    this.#reachable = true;
    this.#options.log.info({}, 'Kafka can be reached again');
  }

  close(): void {
    this.#closing.abort();
  }

  #lost(error: KafkaError): void {
    if (!this.#reachable) return;
    this.#reachable = false;
    this.#options.log.warn({ err: error }, 'Kafka cannot be reached; retrying');
  }

  async #watch(): Promise<void> {
    const { signal } = this.#closing;
    for (;;) {
      await delay(this.#reachable ? calmPauseMs : alarmedPauseMs, undefined, { signal, ref: false });
      this.#renewPassword();
      if (await this.#answers()) this.proven();
      else if (await this.#isForsaken()) {
        const message = 'The Kafka client has lost its brokers, which others can reach';
        this.#onFatal(new KafkaError(message, { code: codes.ERR__ALL_BROKERS_DOWN, fatal: true }));
        return;
      }
    }
  }

  /** The client authenticates with it from the next connection on; sessions keep the password that they began with. */
  #renewPassword(): void {
    const credentials = credentialsOf(this.#options.brokers);
    if (credentials === undefined || credentials.password === this.#password) return;
    this.#client.setSaslCredentials(credentials.username, credentials.password);
    if (this.#password !== undefined) this.#options.log.info({}, 'The password of Kafka has changed');
    this.#password = credentials.password;
  }

  /** True when a broker answers this client within a second. */
  async #answers(): Promise<boolean> {
    if (!this.#client.isConnected()) return false;
    try {
      await askMetadata(this.#client, 1000, this.#topic());
      return true;
    } catch (error) {
      this.#lost(error as KafkaError);
      return false;
    }
  }

  async #isForsaken(): Promise<boolean> {
    this.#silentSince ??= performance.now();
    if (performance.now() - this.#silentSince < suspiciousAfterMs) return false;
    if (performance.now() - this.#tokenlessSince < tokenlessMs) return false;
    // The client is asked once more: brokers that came back just now answer both clients.
    return (await answerAnother(this.#options)) && !(await this.#answers()) && !this.#closing.signal.aborted;
  }
}

async function answerAnother(options: ClientOptions): Promise<boolean> {
  const other = new kafka.Producer(baseConfig(options));
  try {
    await connect(other);
  } catch {
    return false;
  }
  other.disconnect(0);
  return true;
}
