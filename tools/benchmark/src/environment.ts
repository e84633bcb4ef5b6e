import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Sql } from '@catalogue/postgres';

const root = fileURLToPath(new URL('../../..', import.meta.url));
/** The settings of PostgreSQL that decide what a commit costs. */
export const durabilityFlags = [
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'wal_sync_method',
  'shared_buffers',
  'max_wal_size',
];

/** The machine and the software of the measurement, a line each. `given` describes servers that the benchmark did not start. */
export async function environment(sql: Sql, commitTool: string, given?: readonly string[]): Promise<string[]> {
  const gigabytes = (totalmem() / 1024 ** 3).toFixed(0);
  return [
    `${new Date().toISOString().slice(0, 10)}, commit ${await commit()}`,
    `${cpus()[0]?.model ?? 'unknown CPU'}, ${availableParallelism()} cores, ${gigabytes} GB, ${type()} ${release()}; ` +
      (given === undefined
        ? 'load generator, databases and broker on the same machine'
        : 'load generator and services'),
    ...(given === undefined ? await ownServers(sql) : [`Node ${process.versions.node}`, ...given]),
    `Single-row commits by ${commitTool}`,
  ];
}

async function ownServers(sql: Sql): Promise<string[]> {
  const settings = await sql<{ name: string; value: string }[]>`
    select name, current_setting(name) as value from pg_settings
    where name in ${sql(['server_version', ...durabilityFlags])}`;
  const setting = new Map(settings.map(({ name, value }) => [name, value]));
  return [
    `Node ${process.versions.node}, PostgreSQL ${setting.get('server_version')}, Kafka ${await kafkaVersion()}`,
    `PostgreSQL with ${durabilityFlags.map((flag) => `\`${flag} = ${setting.get(flag)}\``).join(', ')}`,
  ];
}

async function commit(): Promise<string> {
  const git = async (...args: string[]) => (await promisify(execFile)('git', args, { cwd: root })).stdout.trim();
  try {
    const changed = await git('status', '--porcelain', '--', 'apps', 'libs', 'pnpm-lock.yaml');
    return `${await git('rev-parse', '--short=12', 'HEAD')}${changed === '' ? '' : ' with changes'}`;
  } catch {
    return 'unknown';
  }
}

async function kafkaVersion(): Promise<string> {
  const pom = await readFile(`${root}/tools/local-stack/kafka/pom.xml`, 'utf8');
  return /<artifactId>kafka_[\d.]+<\/artifactId>\s*<version>([^<]+)/.exec(pom)?.[1] ?? 'unknown';
}
