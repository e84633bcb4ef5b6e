import { join } from 'node:path';
import { runCommand } from './command.ts';
import { checkout } from './home.ts';

/** Publishes the events' schemas in the registry; throws with what was said when that fails. */
export async function publishSchemas(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<void> {
  const program = join(checkout, 'libs/registry/src/publish.ts');
  const args = ['--conditions=@catalogue/source', program];
  const { ok, output } = await runCommand(process.execPath, args, { cwd: checkout, env, signal });
  if (!ok) throw new Error(`The schemas could not be published:\n${output.trim()}`);
}
