import { spawnSync } from 'node:child_process';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** The process that holds a lock. */
export class LockHeld extends Error {
  readonly pid: number;
  constructor(path: string, pid: number) {
    super(`${path} is held by process ${pid}`);
    this.pid = pid;
  }
}

/**
 * Takes the lock file or throws `LockHeld`; returns what gives it back. A lock whose process is gone counts for nothing,
 * so a killed process leaves nothing to clean up.
 */
export function takeLock(path: string): () => void {
  const claim = `${path}.${process.pid}`;
  writeFileSync(claim, owner(process.pid) ?? '');
  try {
    for (;;) {
      if (link(claim, path)) return () => rmSync(path, { force: true });
      const holder = read(path);
      const pid = Number.parseInt(holder, 10);
      if (holder !== '' && holder === owner(pid)) throw new LockHeld(path, pid);
      discard(path, holder, claim);
    }
  } finally {
    rmSync(claim, { force: true });
  }
}

/** Takes the lock, waiting for as long as another process holds it. */
export async function waitForLock(path: string): Promise<() => void> {
  for (;;) {
    try {
      return takeLock(path);
    } catch (error) {
      if (!(error instanceof LockHeld)) throw error;
      await delay(100);
    }
  }
}

/** A link, unlike a file opened for writing, appears with its content. False when the lock exists. */
function link(claim: string, path: string): boolean {
  try {
    linkSync(claim, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Takes a lock left behind out of the way, by renaming: whoever renames it first looks at what it was. */
function discard(path: string, seen: string, claim: string): void {
  const aside = `${claim}.stale`;
  try {
    renameSync(path, aside);
  } catch {
    return; // Another process was quicker.
  }
  if (read(aside) !== seen) link(aside, path); // Taken anew since it was read: put it back.
  rmSync(aside, { force: true });
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** A process id with the time its process started: ids are used again, soon in a container, where they start at 1. */
function owner(pid: number): string | undefined {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  const started = process.platform === 'linux' ? startTicks(pid) : startTime(pid);
  return started === '' ? undefined : `${pid} ${started}`;
}

function startTicks(pid: number): string {
  const stat = read(`/proc/${pid}/stat`);
  // The name, in brackets, may hold spaces; the start time is the 22nd field, the 20th after the name.
  const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  return ticks === undefined ? '' : `${ticks} ${read('/proc/sys/kernel/random/boot_id').trim()}`;
}

function startTime(pid: number): string {
  return spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).stdout?.trim() ?? '';
}
