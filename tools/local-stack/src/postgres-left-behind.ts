import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './command.ts';
import { databaseUser, postgresEnvironment } from './postgres-programs.ts';

// Above every system's highest process id.
const nobody = 2 ** 31 - 1;

/** Stops a server that still runs on the data folder, left behind by a killed process where the system does not end it too. */
export async function clearLeftBehind(programs: string, data: string): Promise<void> {
  const file = join(data, 'postmaster.pid');
  if (!existsSync(file)) return;
  const content = readFileSync(file, 'utf8');
  const pid = Number.parseInt(content, 10);
  if ((await commandOf(pid)).includes(data)) {
    const stop = ['stop', '-D', data, '-m', 'fast', '-w'];
    await runCommand(join(programs, 'pg_ctl'), stop, { user: databaseUser(), cwd: '/', env: postgresEnvironment });
  } else {
    // The id may belong to another process by now (in a container, where ids start at 1 again, to the other server's),
    // and PostgreSQL would take that for its own. The rest stays: by it PostgreSQL finds sessions that still run.
    writeFileSync(file, content.replace(/^\d+/, String(nobody)));
  }
}

async function commandOf(pid: number): Promise<string> {
  const { output } = await runCommand('ps', ['-o', 'args=', '-ww', '-p', String(pid)]);
  return output;
}
