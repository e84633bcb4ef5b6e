import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { boundToParent } from '@catalogue/local-stack';
import { argumentsOfImage, mallocOfImage, waitFor } from '@catalogue/testing';

/** The services that the catalogue consists of. */
export type CoreService = 'command-api' | 'outbox-relay' | 'query-worker' | 'query-api';
/** Every service; those beside the core run when a test wants them. */
export type ServiceName = CoreService | 'price-history' | 'promotions' | 'promotions-relay';

/** The folder of a service's program in `apps`. */
export function folderOf(name: ServiceName): string {
  return name === 'promotions-relay' ? 'outbox-relay' : name;
}

/** This checkout. */
export const root = fileURLToPath(new URL('../../..', import.meta.url));
const linesKept = 200;

/** A deployed service: from its build, with the command of its image, and only the settings of the contract. */
export class ServiceProcess {
  readonly name: ServiceName;
  readonly port: number;
  /** The checkout whose build runs from the next start on. */
  checkout = root;
  readonly #settings: Record<string, string>;
  readonly #lines: string[] = [];
  #child: ChildProcess | undefined;
  #ended: Promise<unknown> = Promise.resolve();

  constructor(name: ServiceName, port: number, settings: Record<string, string>) {
    this.name = name;
    this.port = port;
    this.#settings = { ...settings, PORT: String(port), HOST: '127.0.0.1', PATH: process.env['PATH'] ?? '' };
  }

  /** Undefined while it does not run. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Its last log lines, over all restarts. */
  get log(): string {
    return this.#lines.join('\n');
  }

  /** Starts it and resolves when it is ready. */
  async start(): Promise<void> {
    this.launch();
    await this.ready();
  }

  /** Starts it without waiting. */
  launch(): void {
    const folder = join(this.checkout, 'apps', folderOf(this.name));
    const child = spawn(...boundToParent('SIGKILL', process.execPath, argumentsOfImage(folder)), {
      cwd: folder,
      env: { ...mallocOfImage(folder), ...this.#settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    // By `close`, not `exit`: then its last lines are read, too.
    this.#ended = new Promise((resolve) => child.once('close', resolve));
    for (const input of [child.stdout, child.stderr]) createInterface({ input }).on('line', (line) => this.#keep(line));
  }

  async ready(): Promise<void> {
    try {
      await waitFor(`${this.name} to be ready`, () => this.isReady(), { within: 120_000, every: 50 });
    } catch (cause) {
      throw new Error(
        `${this.name} did not become ready; it logged:
${this.log}`,
        { cause },
      );
    }
  }

  async isReady(): Promise<boolean> {
    const answer = await fetch(`${this.url}/health/ready`).catch(() => undefined);
    await answer?.body?.cancel();
    return answer?.status === 200;
  }

  /** Kills it and resolves when it has ended. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#ended;
  }

  /** Stops it as an orchestrator does; resolves with its exit code. */
  async stop(): Promise<number | null> {
    this.#child?.kill('SIGTERM');
    await this.#ended;
    return this.#child?.exitCode ?? null;
  }

  #keep(line: string): void {
    this.#lines.push(line);
    this.#lines.splice(0, this.#lines.length - linesKept);
  }
}
