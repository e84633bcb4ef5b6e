import { spawn } from 'node:child_process';
import { boundToParent } from './server-process.ts';

export interface CommandOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  user?: { uid: number; gid: number } | undefined;
  /** Ends the command when aborted. */
  signal?: AbortSignal | undefined;
}

/** The result of a command; `output` has both its outputs. */
export interface CommandResult {
  ok: boolean;
  /** The exit code, the signal that ended it, or why it could not be started. */
  status: number | string;
  output: string;
}

/** Runs a command to its end; never rejects. */
export function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const { user, signal, ...rest } = options;
  return new Promise((resolve) => {
    const child = spawn(...boundToParent('SIGTERM', command, args), {
      ...rest,
      ...user,
      ...(signal && { signal }),
      // A separate process group, as for servers: Ctrl-C reaches it through `signal`.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const collect = (text: string) => {
      output += text;
    };
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    child.once('error', (error) => resolve({ ok: false, status: error.message, output }));
    child.once('close', (code, ended) => resolve({ ok: code === 0, status: code ?? ended ?? 'unknown', output }));
  });
}
