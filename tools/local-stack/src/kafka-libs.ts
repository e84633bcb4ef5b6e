import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createHash } from 'node:crypto';
import { home } from './home.ts';
import { waitForLock } from './lock.ts';

export const kafkaFolder = fileURLToPath(new URL('../kafka', import.meta.url));

/**
 * The folder of Kafka's libraries: downloaded once for a pom.xml and shared by all runs of this checkout, so two may
 * ask at once.
 */
export async function kafkaLibs(log: (line: string) => void): Promise<string> {
  const pom = join(kafkaFolder, 'pom.xml');
  const hash = createHash('sha256').update(readFileSync(pom)).digest('hex').slice(0, 8);
  const libs = join(home(), `kafka-libs-${hash}`);
  if (existsSync(libs)) return libs;
  const unlock = await waitForLock(`${libs}.lock`);
  try {
    if (existsSync(libs)) return libs; // Downloaded by whom we waited for.
    log('downloading Kafka with Maven (about 60 MB, once)');
    const part = `${libs}.part`;
    rmSync(part, { recursive: true, force: true });
    download(pom, part);
    renameSync(part, libs);
    return libs;
  } finally {
    unlock();
  }
}

function download(pom: string, folder: string): void {
  const args = ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${folder}`];
  const { error, status, stdout, stderr } = spawnSync('mvn', args, { encoding: 'utf8' });
  if (error) {
    throw new Error(
      `Kafka is downloaded by Maven, and there is no mvn (${error.message}): install it (apt-get install maven), or give a broker with KAFKA_BROKER`,
    );
  }
  if (status === 0 && existsSync(folder)) return;
  const reason = `${stdout}${stderr}`.split('\n').find((line) => line.startsWith('[ERROR]')) ?? `exit code ${status}`;
  throw new Error(`Maven could not download Kafka: ${reason}`);
}
