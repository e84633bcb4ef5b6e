import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './command.ts';
import { home } from './home.ts';
import { waitForLock } from './lock.ts';

/** What Maven downloads of a pom.xml, once for each content of it. */
export interface MavenDownload {
  /** The name of the server in messages, and how large it is. */
  title: string;
  size: string;
  pom: string;
  goal: 'dependency:copy-dependencies' | 'dependency:unpack-dependencies';
  /** The folder's name without the hash of the pom.xml. */
  name: string;
  /** What to set instead of installing Maven. */
  otherwise: string;
}

/** The folder with the dependencies of a pom.xml. All runs of this checkout share it, maybe at the same time. */
export async function mavenFolder(
  download: MavenDownload,
  progress: (line: string) => void,
  signal?: AbortSignal,
): Promise<string> {
  const hash = createHash('sha256').update(readFileSync(download.pom)).digest('hex').slice(0, 8);
  const folder = join(home(), `${download.name}-${hash}`);
  if (existsSync(folder)) return folder;
  const unlock = await waitForLock(`${folder}.lock`);
  try {
    if (existsSync(folder)) return folder; // Another run has downloaded it meanwhile.
    progress(`Downloading ${download.title} with Maven (${download.size}, only the first time)`);
    const part = `${folder}.part`;
    rmSync(part, { recursive: true, force: true });
    await runMaven(download, part, signal);
    renameSync(part, folder);
    return folder;
  } finally {
    unlock();
  }
}

async function runMaven({ title, pom, goal, otherwise }: MavenDownload, folder: string, signal?: AbortSignal) {
  const args = ['-q', '-B', '-f', pom, goal, `-DoutputDirectory=${folder}`, `-DmarkersDirectory=${folder}/markers`];
  if (!(await runCommand('mvn', ['-version'])).ok) {
    throw new Error(
      `${title} is downloaded with Maven, and there is no mvn that works: install it (apt-get install maven), or ${otherwise}`,
    );
  }
  const { ok, status, output } = await runCommand('mvn', args, { signal });
  if (ok && existsSync(folder)) return;
  const reason = output.split('\n').find((line) => line.startsWith('[ERROR]')) ?? `it ended with ${status}`;
  throw new Error(`Maven could not download ${title}: ${reason}`);
}
