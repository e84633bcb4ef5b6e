import { existsSync, renameSync } from 'node:fs';
import { temporaryHome } from './home.ts';
import { waitForLock } from './lock.ts';
import type { ServerProcess } from './server-process.ts';

/** Options of Java for a server whose libraries are in the folder: with its archive of classes, once there is one. */
export function withArchive(libraries: string): string[] {
  const archive = `${libraries}.jsa`;
  // A Java that did not make the archive ignores it, and would print a warning at each start.
  return existsSync(archive) ? ['-Xlog:disable', `-XX:SharedArchiveFile=${archive}`] : [];
}

/**
 * Makes the archive of the classes that a server loads to start, unless there is one. `start` starts the server
 * in the folder `home` with the given options of Java. If this Java makes no archive, servers start without one.
 */
export async function archiveClasses(
  libraries: string,
  start: (home: string, javaOptions: readonly string[]) => Promise<ServerProcess>,
): Promise<void> {
  const archive = `${libraries}.jsa`;
  if (existsSync(archive)) return;
  const unlock = await waitForLock(`${archive}.lock`);
  const home = temporaryHome();
  try {
    if (existsSync(archive)) return; // Another run has made it meanwhile.
    const server = await start(home.path, ['-Xlog:disable', `-XX:ArchiveClassesAtExit=${archive}.part`]);
    // Java writes it before it ends, which takes longer than `stop` waits.
    server.kill('SIGTERM');
    await server.exited;
    if (existsSync(`${archive}.part`)) renameSync(`${archive}.part`, archive);
  } finally {
    home.remove();
    unlock();
  }
}
