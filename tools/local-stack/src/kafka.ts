import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CommandOptions, type CommandResult, runCommand } from './command.ts';
import { findJava } from './java.ts';
import { kafkaFolder, kafkaLibs } from './kafka-libs.ts';
import { kafkaProperties, propertiesFile } from './kafka-properties.ts';
import { requireFreePort } from './ports.ts';
import { type ServerProcess, startServer } from './server-process.ts';

export interface KafkaServer extends ServerProcess {
  readonly port: number;
  /** What clients connect to: `bootstrap.servers`. */
  readonly brokers: string;
}

export interface KafkaOptions {
  /** The folder that holds the broker's folder `kafka`. */
  home: string;
  port: number;
  controllerPort: number;
  log?: (line: string) => void;
  /** Told what takes a while: nothing, once Kafka has been downloaded. */
  progress?: (line: string) => void;
  /** The cluster that new data is made for; a new one when absent. */
  clusterId?: string;
  /** More settings, as in server.properties. */
  settings?: Readonly<Record<string, string>>;
  /** Ends the start when aborted. */
  signal?: AbortSignal;
}

/**
 * Starts a Kafka broker, which is its own controller, on 127.0.0.1 and resolves when it takes connections. Its data is
 * made when there is none. After a SIGKILL it starts again within 4 s: the broker's old session expires first.
 */
export async function startKafka(options: KafkaOptions): Promise<KafkaServer> {
  const { home, port, controllerPort, log = () => {}, progress = () => {}, settings, signal } = options;
  const java = findJava();
  const classpath = join(await kafkaLibs(progress, signal), '*');
  const folder = join(home, 'kafka');
  mkdirSync(folder, { recursive: true });
  const properties = { ...kafkaProperties(port, controllerPort), ...settings };
  if (!existsSync(join(folder, 'data'))) {
    await format(java, classpath, properties, { cwd: folder, signal, clusterId: options.clusterId ?? newClusterId() });
  }
  await requireFreePort(port);
  await requireFreePort(controllerPort);
  writeFileSync(join(folder, 'server.properties'), propertiesFile(properties));
  const server = await startServer({
    title: 'Kafka',
    command: java,
    args: ['-Xmx512m', '-XX:+UseSerialGC', ...logging, '-cp', classpath, 'kafka.Kafka', 'server.properties'],
    cwd: folder,
    ready: /Kafka Server started/,
    failure: /^(FATAL|ERROR)|Exception|^Error/,
    stopSignal: 'SIGTERM',
    log,
    signal,
  });
  return { ...server, port, brokers: `127.0.0.1:${port}` };
}

const logging = [`-Dlog4j2.configurationFile=${join(kafkaFolder, 'log4j2.properties')}`];

/** Makes the data folder in `cwd`, under another name first: only a complete one gets the name. */
async function format(
  java: string,
  classpath: string,
  properties: Record<string, string>,
  { clusterId, ...options }: CommandOptions & { cwd: string; clusterId: string },
): Promise<void> {
  const part = join(options.cwd, 'data.part');
  rmSync(part, { recursive: true, force: true });
  writeFileSync(join(options.cwd, 'format.properties'), propertiesFile({ ...properties, 'log.dirs': 'data.part' }));
  const tool = ['-XX:TieredStopAtLevel=1', ...logging, '-cp', classpath, 'kafka.tools.StorageTool'];
  const args = [...tool, 'format', '-t', clusterId, '-c', 'format.properties'];
  const { ok, status, output } = await runCommand(java, args, options);
  if (!ok) throw new Error(`Kafka could not make its data in ${options.cwd} (${status}): ${output.trim()}`);
  renameSync(part, join(options.cwd, 'data'));
}

/** 16 random bytes in base64url; the first bit is 0, for an id that begins with a dash is read as an option. */
export function newClusterId(): string {
  const bytes = randomBytes(16);
  bytes.writeUInt8(bytes.readUInt8(0) & 0x7f, 0);
  return bytes.toString('base64url');
}

/** As kafka-configs.sh, which reads and alters what brokers and topics are set to. */
export async function runKafkaConfigs(args: readonly string[]): Promise<CommandResult> {
  const tool = [
    '-XX:TieredStopAtLevel=1',
    ...logging,
    '-cp',
    join(await kafkaLibs(() => {}), '*'),
    'kafka.admin.ConfigCommand',
  ];
  return await runCommand(findJava(), [...tool, ...args]);
}
