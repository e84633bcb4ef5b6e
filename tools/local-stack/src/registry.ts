import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { archiveClasses, withArchive } from './class-archive.ts';
import { briefLife, findJava } from './java.ts';
import { mavenFolder } from './maven-folder.ts';
import { freePort, requireFreePort } from './ports.ts';
import { type ServerProcess, startServer } from './server-process.ts';

export interface RegistryServer extends ServerProcess {
  /** The address of the API that Confluent's clients speak: `SCHEMA_REGISTRY_URL`. */
  readonly url: string;
}

export interface RegistryOptions {
  /** The parent of the registry's folder `registry`. */
  home: string;
  port: number;
  log?: (line: string) => void;
  /** More options of the Java machine. */
  javaOptions?: readonly string[];
  /** Called before the download. */
  progress?: (line: string) => void;
  /** Ends the start when aborted. */
  signal?: AbortSignal;
}

const download = {
  title: 'The schema registry',
  size: '142 MB',
  pom: fileURLToPath(new URL('../registry/pom.xml', import.meta.url)),
  goal: 'dependency:unpack-dependencies',
  name: 'registry-app',
  otherwise: 'give a registry with SCHEMA_REGISTRY_URL',
} as const;

/** Starts Apicurio Registry on 127.0.0.1, with its data on disk, and resolves when it accepts connections. */
export async function startRegistry(options: RegistryOptions): Promise<RegistryServer> {
  const { home, port, log = () => {}, progress = () => {}, javaOptions = [], signal } = options;
  const java = findJava({ title: download.title, otherwise: `or ${download.otherwise}` });
  const app = await mavenFolder(download, progress, signal);
  const folder = join(home, 'registry');
  mkdirSync(folder, { recursive: true });
  await requireFreePort(port);
  const server = await startServer({
    title: 'Apicurio Registry',
    command: java,
    args: [
      '-Xmx256m',
      '-XX:+UseSerialGC',
      ...briefLife,
      ...javaOptions,
      ...withArchive(app),
      ...properties(folder, port),
      '-jar',
      join(app, runner),
    ],
    cwd: folder,
    ready: /started in .*Listening on/,
    failure: /ERROR|Exception|^Error/,
    stopSignal: 'SIGTERM',
    log,
    signal,
  });
  return { ...server, url: `http://127.0.0.1:${port}/apis/ccompat/v7` };
}

/**
 * Makes the archive of the registry's classes, unless there is one, in about 15 s. With it, a registry starts with 3.6 s of CPU
 * time instead of 9.0 s, so it pays where many are started.
 */
export async function archiveRegistry(): Promise<void> {
  await archiveClasses(await mavenFolder(download, () => {}), async (home, javaOptions) =>
    startRegistry({ home, port: await freePort(), javaOptions }),
  );
}

const runner = 'apicurio-registry-app-2.6.13.Final-runner.jar';

function properties(folder: string, port: number): string[] {
  return [
    '-Dquarkus.http.host=127.0.0.1',
    `-Dquarkus.http.port=${port}`,
    // In memory by default. Without the delay of 0 a schema of the last half second is lost when the process is killed.
    `-Dquarkus.datasource.jdbc.url=jdbc:h2:file:${join(folder, 'schemas')};WRITE_DELAY=0`,
  ];
}
