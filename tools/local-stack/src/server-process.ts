import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

/** A server that runs. */
export interface ServerProcess {
  readonly pid: number;
  /** Resolves with the exit code, or the name of the signal that ended it; never rejects. */
  readonly exited: Promise<number | string>;
  /** Ends it in its own orderly way, and resolves when it is gone; it is killed after five seconds. */
  stop(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

export interface ServerCommand {
  /** How messages call it, for example `PostgreSQL (write-db)`. */
  title: string;
  command: string;
  args: readonly string[];
  cwd: string;
  env?: NodeJS.ProcessEnv;
  /** The user to run as, when not the current one. */
  user?: { uid: number; gid: number } | undefined;
  /** The line that says it takes connections. */
  ready: RegExp;
  /** The line that says why it ended. */
  failure: RegExp;
  /** The signal that makes it end in an orderly way. */
  stopSignal: NodeJS.Signals;
  log: (line: string) => void;
  /** Ends the start when aborted; a server that has started is stopped by `stop`. */
  signal?: AbortSignal | undefined;
}

// Part of the base system of Debian and Ubuntu; there is nothing like it on macOS.
const hasSetpriv = process.platform === 'linux' && spawnSync('setpriv', ['--version']).status === 0;

/**
 * The command such that the system ends it when this process ends, even by SIGKILL; unchanged where there is no such
 * thing.
 */
export function boundToParent(signal: NodeJS.Signals, command: string, args: readonly string[]): [string, string[]] {
  if (!hasSetpriv) return [command, [...args]];
  return ['setpriv', ['--pdeathsig', signal.replace(/^SIG/, ''), command, ...args]];
}

/** Starts a server and resolves when it says that it is ready; rejects with one line that says why it did not start. */
export async function startServer(server: ServerCommand): Promise<ServerProcess> {
  server.signal?.throwIfAborted();
  const [command, args] = boundToParent(server.stopSignal, server.command, server.args);
  const child = spawn(command, args, {
    ...server.user,
    cwd: server.cwd,
    env: server.env ?? process.env,
    // A group of its own: Ctrl-C in the terminal is for the process that started it, which then stops it in order.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  const abandon = () => void child.kill(server.stopSignal);
  server.signal?.addEventListener('abort', abandon);
  await ready(server, child, exited);
  server.signal?.removeEventListener('abort', abandon);
  return {
    pid: child.pid ?? 0,
    exited,
    stop: () => stop(child, exited, server.stopSignal),
    kill: (signal) => void child.kill(signal),
  };
}

async function ready(server: ServerCommand, child: ChildProcess, exited: Promise<number | string>): Promise<void> {
  const lines: string[] = [];
  const isReady = new Promise<'ready'>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        server.log(line);
        if (lines.length < 200) lines.push(line);
        if (server.ready.test(line)) resolve('ready');
      });
    }
  });
  const outcome = await Promise.race([isReady, exited]);
  if (outcome === 'ready') return;
  const reason = lines.find((line) => server.failure.test(line)) ?? lines.at(-1) ?? 'it said nothing';
  throw new Error(`${server.title} ended while starting (${outcome}): ${reason}`);
}

async function stop(child: ChildProcess, exited: Promise<number | string>, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal);
  const patience = new AbortController();
  const tooLong = delay(5_000, 'too long', { signal: patience.signal }).catch(() => 'over');
  if ((await Promise.race([exited, tooLong])) === 'too long') child.kill('SIGKILL');
  patience.abort();
  await exited;
}
