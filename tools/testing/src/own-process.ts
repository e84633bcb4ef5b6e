import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { boundToParent } from '@catalogue/local-stack';

/** A program that runs beside the tests. */
export interface OwnProcess extends AsyncDisposable {
  readonly pid: number;
  /** Its output so far. */
  stdout(): string;
  stderr(): string;
  /** The exit code, or the name of the signal that ended it. */
  readonly exited: Promise<number | string>;
  kill(signal: NodeJS.Signals): void;
}

/**
 * Starts a program of the workspace from source, with only these variables. Disposing of it kills it.
 * A service (`apps/<name>/src/main.ts`) gets the V8 flags of its image: without them it takes twice the memory.
 */
export function startProcess(program: URL, args: readonly string[], env: Record<string, string>): OwnProcess {
  const isService = /\/apps\/[^/]+\/src\/main\.ts$/.test(program.pathname);
  const v8Flags = isService ? argumentsOfImage(fileURLToPath(new URL('..', program))).slice(0, -1) : [];
  const command = [...v8Flags, '--conditions=@catalogue/source', fileURLToPath(program), ...args];
  const child = spawn(...boundToParent('SIGKILL', process.execPath, command), {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const written = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (written.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (written.stderr += text));
  const exited = new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  return {
    pid: child.pid ?? 0,
    stdout: () => written.stdout,
    stderr: () => written.stderr,
    exited,
    kill: (signal) => void child.kill(signal),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** The arguments of node in the CMD of an app's Dockerfile: V8's flags, then the program. */
export function argumentsOfImage(folder: string): string[] {
  const dockerfile = readFileSync(join(folder, 'Dockerfile'), 'utf8').replaceAll('\\\n', '');
  const [, command] = /^CMD (\[.*\])$/m.exec(dockerfile) ?? [];
  if (command === undefined) throw new Error(`${folder}/Dockerfile has no CMD`);
  const [, ...args] = JSON.parse(command) as string[];
  return args;
}
