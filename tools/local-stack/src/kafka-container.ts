import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { type Engine, findEngine } from '@catalogue/images';
import { runCommand } from './command.ts';
import { findJava } from './java.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const files = ['--file', 'docker-compose.yml', '--file', 'docker-compose.dev.yml'];
const untilItListens = 'for i in {1..300}; do (</dev/tcp/127.0.0.1/29092) 2>/dev/null && exit; sleep 0.2; done; exit 1';

/** The container engine that runs Kafka if there is no Java; undefined with Java, or without an engine. */
export async function engineInsteadOfJava(): Promise<Engine | undefined> {
  try {
    findJava();
    return undefined;
  } catch {
    const engine = await findEngine();
    return typeof engine === 'string' ? undefined : engine;
  }
}

/** Kafka of docker-compose.yml, published by docker-compose.dev.yml; its data belongs to the folder of one local stack. */
export class KafkaContainer {
  readonly #engine: Engine;
  readonly #project: string;
  readonly #port: number;

  constructor(engine: Engine, home: string, port: number) {
    this.#engine = engine;
    this.#project = `catalogue-${createHash('sha256').update(home).digest('hex').slice(0, 8)}`;
    this.#port = port;
  }

  get brokers(): string {
    return `localhost:${this.#port}`;
  }

  /** Starts it unless it runs, and resolves when it accepts connections. */
  async start(signal?: AbortSignal): Promise<void> {
    await this.#compose(['up', '-d', 'kafka'], signal);
    // Compose 1.29 has no --wait.
    await this.#compose(['exec', '-T', 'kafka', 'bash', '-c', untilItListens], signal);
  }

  /** Stops it, and keeps its data. */
  async stop(): Promise<void> {
    await this.#compose(['stop', '--timeout', '8', 'kafka']);
  }

  /** Removes it with its data. */
  async remove(): Promise<void> {
    await this.#compose(['down', '--volumes']);
  }

  async #compose(args: readonly string[], signal?: AbortSignal): Promise<void> {
    const [command = '', ...first] = this.#engine.compose;
    const env = { ...this.#engine.env, KAFKA_PORT: String(this.#port) };
    const all = [...first, '--project-name', this.#project, ...files, ...args];
    const { ok, status, output } = await runCommand(command, all, { cwd: root, env, signal });
    if (!ok)
      throw new Error(`Kafka in a container: "${command} ${args.join(' ')}" ended with ${status}: ${output.trim()}`);
  }
}
