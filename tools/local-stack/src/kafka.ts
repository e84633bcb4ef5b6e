import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CommandOptions, type CommandResult, runCommand } from './command.ts';
import { archiveClasses, withArchive } from './class-archive.ts';
import { briefLife, findJava } from './java.ts';
import { kafkaFolder, kafkaLibs } from './kafka-libs.ts';
import { kafkaProperties, propertiesFile } from './kafka-properties.ts';
import { freePort, requireFreePort } from './ports.ts';
import { type ServerProcess, startServer } from './server-process.ts';

export interface KafkaServer extends ServerProcess {
  readonly port: number;
  /** The addresses for clients: `bootstrap.servers`. */
  readonly brokers: string;
}

export interface KafkaOptions {
  /** The parent of the broker's folder `kafka`. */
  home: string;
  port: number;
  controllerPort: number;
  log?: (line: string) => void;
  /** Called before something slow, which is only the download of Kafka. */
  progress?: (line: string) => void;
  /** The cluster id of new data; random when absent. */
  clusterId?: string;
  /** SCRAM users of new data, as kafka-storage.sh takes them: `SCRAM-SHA-512=[name=…,password=…]`. */
  scramUsers?: readonly string[];
  /** More settings, as in server.properties. */
  settings?: Readonly<Record<string, string>>;
  /** More options of the Java machine. */
  javaOptions?: readonly string[];
  /** Ends the start when aborted. */
  signal?: AbortSignal;
}

/**
 * Starts a Kafka broker on 127.0.0.1 that is its own controller, and resolves when it accepts connections. Creates its data if
 * there is none. After a SIGKILL it starts again within 4 s, when the broker's old session has expired.
 */
export async function startKafka(options: KafkaOptions): Promise<KafkaServer> {
  const {
    home,
    port,
    controllerPort,
    log = () => {},
    progress = () => {},
    settings,
    javaOptions = [],
    signal,
  } = options;
  const java = findJava();
  const libs = await kafkaLibs(progress, signal);
  const folder = join(home, 'kafka');
  mkdirSync(folder, { recursive: true });
  const properties = { ...kafkaProperties(port, controllerPort), ...settings };
  if (!existsSync(join(folder, 'data'))) {
    const { clusterId = newClusterId(), scramUsers = [] } = options;
    await format(java, libs, properties, { cwd: folder, signal, clusterId, scramUsers });
  }
  await requireFreePort(port);
  await requireFreePort(controllerPort);
  writeFileSync(join(folder, 'server.properties'), propertiesFile(properties));
  const server = await startServer({
    title: 'Kafka',
    command: java,
    args: [
      '-Xmx512m',
      '-XX:+UseSerialGC',
      ...briefLife,
      ...javaOptions,
      ...program(libs),
      'kafka.Kafka',
      'server.properties',
    ],
    cwd: folder,
    ready: /Kafka Server started/,
    failure: /^(FATAL|ERROR)|Exception|^Error/,
    stopSignal: 'SIGTERM',
    log,
    signal,
  });
  return { ...server, port, brokers: `127.0.0.1:${port}` };
}

function program(libs: string): string[] {
  const logging = `-Dlog4j2.configurationFile=${join(kafkaFolder, 'log4j2.properties')}`;
  return [...withArchive(libs), logging, '-cp', join(libs, '*')];
}

/**
 * Makes the archive of Kafka's classes, unless there is one, in about 10 s. With it, a broker starts with 2.3 s of CPU time
 * instead of 5.1 s, so it pays where many are started.
 */
export async function archiveKafka(progress: (line: string) => void): Promise<void> {
  await archiveClasses(await kafkaLibs(progress), async (home, javaOptions) =>
    startKafka({ home, port: await freePort(), controllerPort: await freePort(), javaOptions }),
  );
}

type FormatOptions = CommandOptions & { cwd: string; clusterId: string; scramUsers: readonly string[] };

/**
 * Creates the data folder in `cwd`; only a complete one gets its name. Kafka's tool takes 0.75 s of CPU time. Without
 * users, only ids differ between its results, so the first one is kept beside the libraries and copied.
 */
async function format(
  java: string,
  libs: string,
  properties: Record<string, string>,
  options: FormatOptions,
): Promise<void> {
  const part = join(options.cwd, 'data.part');
  rmSync(part, { recursive: true, force: true });
  const kept = `${libs}.${checkpoint}`;
  const isPlain = options.scramUsers.length === 0;
  if (isPlain && existsSync(kept)) {
    mkdirSync(part);
    copyFileSync(kept, join(part, checkpoint));
    const ids = { 'cluster.id': options.clusterId, 'directory.id': newClusterId() };
    const meta = propertiesFile({ version: '1', 'node.id': properties['node.id'] ?? '', ...ids });
    writeFileSync(join(part, 'meta.properties'), meta);
  } else {
    await runFormat(java, libs, properties, options);
    if (isPlain) {
      copyFileSync(join(part, checkpoint), `${kept}.${process.pid}`);
      renameSync(`${kept}.${process.pid}`, kept); // Only a complete one gets the name.
    }
  }
  renameSync(part, join(options.cwd, 'data'));
}

/** The file of a data folder with the versions of the cluster's protocols. */
const checkpoint = 'bootstrap.checkpoint';

async function runFormat(
  java: string,
  libs: string,
  properties: Record<string, string>,
  { clusterId, scramUsers, ...options }: FormatOptions,
): Promise<void> {
  writeFileSync(join(options.cwd, 'format.properties'), propertiesFile({ ...properties, 'log.dirs': 'data.part' }));
  const tool = ['-XX:TieredStopAtLevel=1', ...program(libs), 'kafka.tools.StorageTool'];
  const args = [...tool, 'format', '-t', clusterId, '-c', 'format.properties'];
  const users = scramUsers.flatMap((user) => ['--add-scram', user]);
  const { ok, status, output } = await runCommand(java, [...args, ...users], options);
  if (!ok) throw new Error(`Kafka could not make its data in ${options.cwd} (${status}): ${output.trim()}`);
}

/** 16 random bytes in base64url. The first bit is 0, because an id that begins with a dash is read as an option. */
export function newClusterId(): string {
  const bytes = randomBytes(16);
  bytes.writeUInt8(bytes.readUInt8(0) & 0x7f, 0);
  return bytes.toString('base64url');
}

/** Runs kafka-configs.sh, which reads and changes the settings of brokers and topics. */
export async function runKafkaConfigs(args: readonly string[]): Promise<CommandResult> {
  return await runTool('kafka.admin.ConfigCommand', args);
}

/** Runs kafka-acls.sh, which reads and changes the rights of users. */
export async function runKafkaAcls(args: readonly string[]): Promise<CommandResult> {
  return await runTool('org.apache.kafka.tools.AclCommand', args);
}

/** Runs kafka-features.sh, which reads and changes the versions of a cluster's protocols. */
export async function runKafkaFeatures(args: readonly string[]): Promise<CommandResult> {
  return await runTool('org.apache.kafka.tools.FeatureCommand', args);
}

async function runTool(name: string, args: readonly string[]): Promise<CommandResult> {
  const tool = ['-XX:TieredStopAtLevel=1', ...program(await kafkaLibs(() => {})), name];
  return await runCommand(findJava(), [...tool, ...args]);
}
