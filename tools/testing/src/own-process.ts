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
 * Starts a program of the workspace from source, with only these variables. Disposing of it kills it. A service
 * (`apps/<name>/src/main.ts`) gets the V8 flags and malloc's variables of its image: without them it takes twice the
 * memory.
 */
export function startProcess(program: URL, args: readonly string[], env: Record<string, string>): OwnProcess {
  const isService = /\/apps\/[^/]+\/src\/main\.ts$/.test(program.pathname);
  const folder = fileURLToPath(new URL('..', program));
  const v8Flags = isService ? argumentsOfImage(folder).slice(0, -1) : [];
  const malloc = isService ? mallocOfImage(folder) : {};
  const command = [...v8Flags, '--conditions=@catalogue/source', fileURLToPath(program), ...args];
  const child = spawn(...boundToParent('SIGKILL', process.execPath, command), {
    env: { PATH: process.env['PATH'], ...malloc, ...env },
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
  const [, command] = /^CMD (\[.*\])$/m.exec(dockerfileOf(folder)) ?? [];
  if (command === undefined) throw new Error(`${folder}/Dockerfile has no CMD`);
  const [, ...args] = JSON.parse(command) as string[];
  return args;
}

/** The variables of malloc in the ENV of an app's Dockerfile. */
export function mallocOfImage(folder: string): Record<string, string> {
  const [variables = ''] = /^ENV NODE_ENV=.*$/m.exec(dockerfileOf(folder)) ?? [];
  return Object.fromEntries([...variables.matchAll(/\b(MALLOC_\w+)=(\d+)/g)].map(([, name, value]) => [name, value]));
}

function dockerfileOf(folder: string): string {
  return readFileSync(join(folder, 'Dockerfile'), 'utf8').replaceAll('\\\n', '');
}
