import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

/** A running server. */
export interface ServerProcess {
  readonly pid: number;
  /** Resolves with the exit code, or the name of the signal that ended it; never rejects. */
  readonly exited: Promise<number | string>;
  /** Stops it in order and resolves when it has ended; kills it after five seconds. */
  stop(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

export interface ServerCommand {
  /** Its name in messages, for example `PostgreSQL (write-db)`. */
  title: string;
  command: string;
  args: readonly string[];
  cwd: string;
  env?: NodeJS.ProcessEnv;
  /** The user to run as; the current one when absent. */
  user?: { uid: number; gid: number } | undefined;
  /** The log line that says that it accepts connections. */
  ready: RegExp;
  /** The log line that says why it ended. */
  failure: RegExp;
  /** The signal for an orderly end. */
  stopSignal: NodeJS.Signals;
  log: (line: string) => void;
  /** Ends the start when aborted; afterwards, use `stop`. */
  signal?: AbortSignal | undefined;
}

// In the base system of Debian and Ubuntu; macOS has no equivalent.
const hasSetpriv = process.platform === 'linux' && spawnSync('setpriv', ['--version']).status === 0;

/**
 * The command, changed so that the system ends it with this process, even after a SIGKILL; unchanged where that is impossible.
 */
export function boundToParent(signal: NodeJS.Signals, command: string, args: readonly string[]): [string, string[]] {
  if (!hasSetpriv) return [command, [...args]];
  return ['setpriv', ['--pdeathsig', signal.replace(/^SIG/, ''), command, ...args]];
}

/** Starts a server and resolves when it is ready; rejects with one line that says why it did not start. */
export async function startServer(server: ServerCommand): Promise<ServerProcess> {
  server.signal?.throwIfAborted();
  const [command, args] = boundToParent(server.stopSignal, server.command, server.args);
  const child = spawn(command, args, {
    ...server.user,
    cwd: server.cwd,
    env: server.env ?? process.env,
    // A separate process group: Ctrl-C reaches only the process that started it, which then stops it in order.
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
  const closed = new Promise((resolve) => child.once('close', resolve));
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
  await closed; // Its last line says why it ended.
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
