import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from './command.ts';
import { home } from './home.ts';
import { waitForLock } from './lock.ts';

export const kafkaFolder = fileURLToPath(new URL('../kafka', import.meta.url));

/**
 * The folder of Kafka's libraries, downloaded once for each pom.xml. All runs of this checkout share it, maybe at the same
 * time.
 */
export async function kafkaLibs(progress: (line: string) => void, signal?: AbortSignal): Promise<string> {
  const pom = join(kafkaFolder, 'pom.xml');
  const hash = createHash('sha256').update(readFileSync(pom)).digest('hex').slice(0, 8);
  const libs = join(home(), `kafka-libs-${hash}`);
  if (existsSync(libs)) return libs;
  const unlock = await waitForLock(`${libs}.lock`);
  try {
    if (existsSync(libs)) return libs; // Another run has downloaded it meanwhile.
    progress('Downloading Kafka with Maven (60 MB, only the first time)');
    const part = `${libs}.part`;
    rmSync(part, { recursive: true, force: true });
    await download(pom, part, signal);
    renameSync(part, libs);
    return libs;
  } finally {
    unlock();
  }
}

async function download(pom: string, folder: string, signal?: AbortSignal): Promise<void> {
  const args = ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${folder}`];
  if (!(await runCommand('mvn', ['-version'])).ok) {
    throw new Error(
      'Kafka is downloaded with Maven, and there is no mvn that works: install it (apt-get install maven), or give a broker with KAFKA_BROKER',
    );
  }
  const { ok, status, output } = await runCommand('mvn', args, { signal });
  if (ok && existsSync(folder)) return;
  const reason = output.split('\n').find((line) => line.startsWith('[ERROR]')) ?? `it ended with ${status}`;
  throw new Error(`Maven could not download Kafka: ${reason}`);
}
