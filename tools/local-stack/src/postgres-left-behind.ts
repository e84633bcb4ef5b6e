import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './command.ts';
import { databaseUser, postgresEnvironment } from './postgres-programs.ts';

// Higher than every process id.
const nobody = 2 ** 31 - 1;

/** Stops a server that a killed process has left running on the data folder, on systems that do not end it. */
export async function clearLeftBehind(programs: string, data: string): Promise<void> {
  const file = join(data, 'postmaster.pid');
  if (!existsSync(file)) return;
  const content = readFileSync(file, 'utf8');
  const pid = Number.parseInt(content, 10);
  if ((await commandOf(pid)).includes(data)) {
    const stop = ['stop', '-D', data, '-m', 'fast', '-w'];
    await runCommand(join(programs, 'pg_ctl'), stop, { user: databaseUser(), cwd: '/', env: postgresEnvironment });
  } else {
    // The process id may be reused, in a container even by the other server, and PostgreSQL would take that process for its
    // own. The rest of the file stays: PostgreSQL finds running sessions by it.
    writeFileSync(file, content.replace(/^\d+/, String(nobody)));
  }
}

async function commandOf(pid: number): Promise<string> {
  const { output } = await runCommand('ps', ['-o', 'args=', '-ww', '-p', String(pid)]);
  return output;
}
