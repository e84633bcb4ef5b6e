import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { runCommand } from './command.ts';
import { checkout } from './home.ts';
import { boundToParent } from './server-process.ts';

const scope = /^@catalogue\//;

/** Services that are another one with other settings: the project, and its target with these settings. */
const variants: Readonly<Record<string, { project: string; target: string }>> = {
  'promotions-relay': { project: 'outbox-relay', target: 'serve-promotions' },
};

/** Services, run by nx. */
export interface Serving {
  stop(): Promise<void>;
}

export interface Listener {
  /** A line to show. */
  print: (line: string) => void;
  /** A service has ended by itself, or was killed; the others go on. */
  ended: (service: string) => void;
}

/** Brings the databases and the topic to the newest version; throws with what was said when that fails. */
export async function migrate(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<void> {
  const args = ['run-many', '-t', 'migrate', '--outputStyle=stream'];
  const { ok, output } = await runCommand('nx', args, { cwd: checkout, env, signal });
  if (ok) return;
  const lines = output.split('\n');
  const said = lines.some(isOfService) ? lines.filter(isOfService) : lines;
  throw new Error(`The migrations failed:\n${said.map(shown).filter(isText).join('\n')}`);
}

/**
 * Runs services; their output is handed on line by line.
 */
export function serve(names: readonly string[], env: NodeJS.ProcessEnv, listener: Listener): Serving {
  const byTarget = Map.groupBy(names, (name) => variants[name]?.target ?? 'serve');
  const running = [...byTarget].map(([target, some]) => serveTarget(target, some, env, listener));
  return { stop: async () => void (await Promise.all(running.map((each) => each.stop()))) };
}

/** Piped: with a terminal inherited, nx panics or swallows Ctrl-C. */
function serveTarget(
  target: string,
  names: readonly string[],
  env: NodeJS.ProcessEnv,
  { print, ended }: Listener,
): Serving {
  const projects = names.map((name) => `@catalogue/${variants[name]?.project ?? name}`).join(',');
  const nx = ['run-many', '-t', target, '-p', projects, '--outputStyle=stream'];
  const [command, args] = boundToParent('SIGTERM', 'nx', nx);
  // A group of its own: Ctrl-C in the terminal must not reach nx beside the SIGTERM that stops it in order.
  const child = spawn(command, args, { cwd: checkout, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      print(`nx could not be started: ${error.message}`);
      resolve();
    });
    child.once('exit', () => resolve());
  });
  let stopping = false;
  const hear = (line: string) => {
    const end = endIn(line);
    if (end !== undefined && !stopping) ended(end);
    // After it was stopped, nx prints a summary that is of no use.
    const text = end !== undefined || (stopping && !isOfService(line)) ? undefined : shown(line);
    // nx names the project, which the variant shares with another service.
    if (isText(text)) print(target === 'serve' ? text : text.replace(/^[^:]+/, names.join()));
  };
  for (const input of [child.stdout, child.stderr]) createInterface({ input }).on('line', hear);
  return {
    stop: () => {
      stopping = true;
      return stop(child, exited);
    },
  };
}

/** A line of nx without the scope of the project; undefined for nx's own messages. */
export function shown(line: string): string | undefined {
  if (/^\s*$|^ NX +Running target|^- @catalogue\/|^> nx run /.test(line)) return undefined;
  return line.replace(scope, '');
}

/** The service whose end the line reports. The code in it is nx's: 128 for any signal. */
export function endIn(line: string): string | undefined {
  const [, project, target] =
    /^Task "@catalogue\/(.+):(serve.*)" is continuous but exited with code \d+/.exec(line) ?? [];
  const variant = Object.entries(variants).find(([, each]) => each.project === project && each.target === target);
  return variant?.[0] ?? project;
}

function isOfService(line: string): boolean {
  return scope.test(line);
}

function isText(line: string | undefined): line is string {
  return line !== undefined;
}

/** nx passes the signal on and kills the rest after 5 s. If nx itself hangs, its children end first. */
async function stop(child: ChildProcess, exited: Promise<void>): Promise<void> {
  child.kill('SIGTERM');
  const patience = new AbortController();
  const tooLong = delay(6_500, 'too long', { signal: patience.signal }).catch(() => 'over');
  if ((await Promise.race([exited, tooLong])) === 'too long') {
    killAll(childrenOf(child.pid));
    child.kill('SIGKILL');
  }
  patience.abort();
  await exited;
}

function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
}

function childrenOf(parent: number | undefined): number[] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  return (stdout ?? '')
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([pid, ppid]) => (pid !== undefined && ppid === parent ? [pid] : []));
}
