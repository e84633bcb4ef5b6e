import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { constants } from 'node:os';

type Stop = (child: ChildProcess, signal: NodeJS.Signals) => void;

const running = new Map<ChildProcess, Stop>();
let received: NodeJS.Signals | undefined;

/** Passes signals of this process on to its commands, so that none is left behind. Call it before the first command. */
export function forwardSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      received = signal;
      for (const [child, stop] of running) stop(child, signal);
    });
  }
}

/** The signal that this process received, with the exit code for it; undefined without one. */
export function interruption(): { signal: NodeJS.Signals; exitCode: number } | undefined {
  return received && { signal: received, exitCode: 128 + constants.signals[received] };
}

/** Starts a command; `ended` resolves with its exit code, and never rejects. `stop` passes a signal on. */
export function start(
  command: string,
  args: readonly string[],
  options: SpawnOptions,
  stop: Stop = (child, signal) => child.kill(signal),
): { child: ChildProcess; ended: Promise<number> } {
  const child = spawn(command, args, options);
  running.set(child, stop);
  const ended = new Promise<number>((resolve) => {
    child.once('error', (error) => {
      console.error(`${command} cannot be started: ${error.message}`);
      resolve(127);
    });
    child.once('close', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
  return { child, ended: ended.finally(() => running.delete(child)) };
}

/** Runs a command and keeps its output, which matters only when the command fails. */
export async function capture(command: string, args: readonly string[]): Promise<{ ok: boolean; output: string }> {
  const { child, ended } = start(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text) => (output += text));
  return { ok: (await ended) === 0, output };
}

/** Runs nx without its plugin processes, which cost 0.4 s a call and outlive an nx that is ended while it starts. */
export function captureNx(...args: string[]): Promise<{ ok: boolean; output: string }> {
  process.env['NX_ISOLATE_PLUGINS'] = 'false';
  return capture('nx', args);
}
