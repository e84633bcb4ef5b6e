import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Engine } from '@catalogue/images';
import { freePort } from '@catalogue/local-stack';
import { waitFor } from '@catalogue/testing';

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const run = promisify(execFile);

/** The part of the engine's description of a container that tests use. */
export interface Inspected {
  Id: string;
  RestartCount: number;
  Config: { User: string; Labels: Record<string, string>; Env: string[] };
  HostConfig: { ReadonlyRootfs: boolean };
  NetworkSettings: { Ports: Record<string, { HostIp: string; HostPort: string }[] | null> };
  State: { Pid: number; ExitCode: number; StartedAt: string; Health?: { Status: string } };
}

/** docker-compose.yml as a separate project on separate ports; disposing of it removes containers and volumes. */
export class Containers implements AsyncDisposable {
  /** The published addresses of the two APIs. */
  readonly addresses: { commands: string; queries: string };
  readonly #engine: Engine;
  readonly #project: string;
  readonly #prefix: string;
  /** The variables of docker-compose.yml. */
  readonly #variables: Record<string, string>;

  private constructor(engine: Engine, prefix: string, commandPort: number, queryPort: number) {
    this.#engine = engine;
    // compose.ts names it, to clean up after interrupted tests.
    this.#project = process.env['COMPOSE_PROJECT_NAME'] ?? `catalogue-test-${process.pid}`;
    this.#prefix = prefix;
    this.#variables = {
      IMAGE_PREFIX: prefix,
      COMMAND_API_PORT: String(commandPort),
      QUERY_API_PORT: String(queryPort),
    };
    this.addresses = { commands: `http://127.0.0.1:${commandPort}`, queries: `http://127.0.0.1:${queryPort}` };
  }

  /** Starts everything from images `<prefix>/<app>:latest`, as `docker compose up` does; resolves when all are healthy. */
  static async start(engine: Engine, prefix: string): Promise<Containers> {
    const containers = new Containers(engine, prefix, await freePort(), await freePort());
    try {
      await containers.up();
      await containers.healthy();
      return containers;
    } catch (cause) {
      const log = await containers.log();
      await containers[Symbol.asyncDispose]();
      throw new Error(`The containers did not become healthy; they logged:\n${log}`, { cause });
    }
  }

  /** `docker compose up -d` with more arguments, without a build; recreates changed containers. */
  async up(...args: string[]): Promise<void> {
    await this.#compose('up', '-d', '--no-build', ...args);
  }

  /** The last log lines of each container. */
  async log(): Promise<string> {
    return await this.#compose('logs', '--no-color', '--tail=30').catch(String);
  }

  /** Makes a service use `<prefix>/<app>:<tag>` from the next `up` on. */
  useTag(service: string, tag: string): void {
    this.#variables[`${service.toUpperCase().replaceAll('-', '_')}_TAG`] = tag;
  }

  /** Makes the image of an app's next release from the current one, with another revision. */
  async makeRelease(app: string, tag: string): Promise<void> {
    const name = `${this.#prefix}/${app}`;
    const building = run(this.#engine.docker, ['build', '--tag', `${name}:${tag}`, '-'], { env: this.#engine.env });
    building.child.stdin?.end(`FROM ${name}:latest\nLABEL org.opencontainers.image.revision=${tag}\n`);
    await building;
  }

  /** The bytes that an app's image adds to its base image. */
  async sizeAdded(app: string): Promise<number> {
    const sizeOf = async (image: string) => Number(await this.docker('image', 'inspect', '--format={{.Size}}', image));
    return (await sizeOf(`${this.#prefix}/${app}:latest`)) - (await sizeOf('node:24-bookworm-slim'));
  }

  /** The containers of a service, or of all, including ended ones. */
  async inspect(service?: string): Promise<Inspected[]> {
    const filters = [`com.docker.compose.project=${this.#project}`];
    if (service !== undefined) filters.push(`com.docker.compose.service=${service}`);
    const listed = await this.docker('ps', '-aq', ...filters.flatMap((label) => ['--filter', `label=${label}`]));
    const ids = listed.split('\n').filter((id) => id !== '');
    return ids.length === 0 ? [] : (JSON.parse(await this.docker('inspect', ...ids)) as Inspected[]);
  }

  /** The container of a service that is not scaled. */
  async one(service: string): Promise<Inspected> {
    const [first, ...others] = await this.inspect(service);
    if (first === undefined || others.length > 0)
      throw new Error(`Expected one container of ${service}, found ${others.length + (first === undefined ? 0 : 1)}`);
    return first;
  }

  /** Resolves when every container of the service, or every one with a health check, is healthy. */
  async healthy(service?: string): Promise<void> {
    await waitFor(
      `${service ?? 'every container'} to be healthy`,
      async () => {
        const found = await this.inspect(service);
        return found.length > 0 && found.every(({ State: { Health } }) => (Health?.Status ?? 'healthy') === 'healthy');
      },
      { within: 120_000, every: 500 },
    );
  }

  /** Kills process 1 of a container from outside, as a lack of memory would: the engine sees a crash. */
  async crash({ State: { Pid } }: Inspected): Promise<void> {
    const kill = ['node', '--eval', `process.kill(${Pid}, 'SIGKILL')`];
    const image = `${this.#prefix}/command-api:latest`;
    await this.docker('run', '--rm', '--pid=host', '--user=0:0', '--network=none', '--no-healthcheck', image, ...kill);
  }

  async docker(...args: string[]): Promise<string> {
    const { stdout } = await run(this.#engine.docker, args, { env: this.#engine.env, maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#compose('down', '--volumes', '--remove-orphans', '--timeout', '10');
  }

  async #compose(...args: string[]): Promise<string> {
    const [command = '', ...first] = this.#engine.compose;
    const file = ['--project-name', this.#project, '--file', 'docker-compose.yml'];
    const env = { ...this.#engine.env, ...this.#variables };
    const { stdout } = await run(command, [...first, ...file, ...args], {
      cwd: root,
      env,
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout;
  }
}
