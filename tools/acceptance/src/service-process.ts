import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { boundToParent } from '@catalogue/local-stack';
import { waitFor } from '@catalogue/testing';

export type ServiceName = 'command-api' | 'outbox-relay' | 'query-worker' | 'query-api';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const linesKept = 200;

// As the READMEs of the services say.
const flagsOf = (youngGeneration: number, growth: number) => [
  `--max-semi-space-size=${youngGeneration}`,
  `--min-semi-space-size=${youngGeneration}`,
  '--initial-old-space-size=32',
  `--heap-growing-percent=${growth}`,
  '--no-parallel-scavenge',
];
const flags: Record<ServiceName, readonly string[]> = {
  'command-api': flagsOf(16, 100),
  'outbox-relay': flagsOf(16, 100),
  'query-worker': flagsOf(16, 100),
  'query-api': flagsOf(4, 30),
};

/** One service as it is deployed: from its build, with the settings of the contract and nothing else. */
export class ServiceProcess {
  readonly name: ServiceName;
  readonly port: number;
  /** The checkout whose build runs from the next start on. */
  checkout = root;
  readonly #settings: Record<string, string>;
  readonly #lines: string[] = [];
  #child: ChildProcess | undefined;
  #exited: Promise<unknown> = Promise.resolve();

  constructor(name: ServiceName, port: number, settings: Record<string, string>) {
    this.name = name;
    this.port = port;
    this.#settings = { ...settings, PORT: String(port), HOST: '127.0.0.1', PATH: process.env['PATH'] ?? '' };
  }

  /** Of the process, while there is one. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The last lines that it logged, over all its lives. */
  get log(): string {
    return this.#lines.join('\n');
  }

  /** Starts it, and resolves when it says that it is ready. */
  async start(): Promise<void> {
    this.launch();
    await this.ready();
  }

  /** Starts it without waiting. */
  launch(): void {
    const args = [...flags[this.name], `apps/${this.name}/dist/main.js`];
    const child = spawn(...boundToParent('SIGKILL', process.execPath, args), {
      cwd: this.checkout,
      env: this.#settings,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#exited = new Promise((resolve) => child.once('exit', resolve));
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => this.#keep(text));
  }

  async ready(): Promise<void> {
    try {
      await waitFor(`${this.name} to be ready`, () => this.isReady(), { within: 30_000, every: 50 });
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

  /** Ends it as a crash would, and resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#exited;
  }

  /** Ends it as an orchestrator would; resolves with its exit code. */
  async stop(): Promise<number | null> {
    this.#child?.kill('SIGTERM');
    await this.#exited;
    return this.#child?.exitCode ?? null;
  }

  #keep(text: string): void {
    this.#lines.push(...text.trimEnd().split('\n'));
    this.#lines.splice(0, this.#lines.length - linesKept);
  }
}
