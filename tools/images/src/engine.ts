import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A container engine that answers, and how it is spoken to here. */
export interface Engine {
  /** The docker client to run. */
  docker: string;
  /** Compose, with its first argument where it is a part of the client: v2 as `docker compose`, or 1.29 on its own. */
  compose: readonly string[];
  /** What every command of it needs in its environment: BuildKit, also through an old Compose. */
  env: NodeJS.ProcessEnv;
}

/** The first client that can build with BuildKit and whose engine answers; otherwise why there is none, in a sentence. */
export async function findEngine(env: NodeJS.ProcessEnv = process.env): Promise<Engine | string> {
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => existsSync(join(folder, 'docker')));
  if (folders.length === 0) return 'there is no docker command';
  let why = '';
  for (const folder of folders) {
    const found = await tryClient(folder, env);
    if (typeof found !== 'string') return found;
    why ||= found;
  }
  return why;
}

async function tryClient(folder: string, env: NodeJS.ProcessEnv): Promise<Engine | string> {
  const docker = join(folder, 'docker');
  const withBuildKit = { ...env, DOCKER_BUILDKIT: '1', COMPOSE_DOCKER_CLI_BUILD: '1' };
  const answers = async (command: string, ...args: string[]) =>
    run(command, args, { env: withBuildKit, timeout: 10_000 }).then(
      ({ stdout }) => stdout.trim(),
      () => undefined,
    );
  const versions = await answers(docker, 'version', '--format', '{{.Client.Version}} {{.Server.Version}}');
  const client = versions?.split(' ')[0];
  if (client === undefined) return `no engine answers ${docker}`;
  // From 23 on BuildKit is a plug-in of the client, which some packages leave out.
  if (Number.parseInt(client, 10) >= 23 && (await answers(docker, 'buildx', 'version')) === undefined)
    return `${docker} ${client} has no buildx, which builds images`;
  const compose = (await answers(docker, 'compose', 'version'))
    ? [docker, 'compose']
    : (await answers('docker-compose', 'version')) && ['docker-compose'];
  if (!compose) return `there is neither "${docker} compose" nor docker-compose`;
  return { docker, compose, env: withBuildKit };
}
