import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Builds every `dist`, from which the services run; prints output only if it fails. */
export async function buildAll(): Promise<void> {
  const env = { ...process.env, NX_ISOLATE_PLUGINS: 'false' };
  try {
    await promisify(execFile)('nx', ['run-many', '-t', 'build'], { env, maxBuffer: 64 * 1024 * 1024 });
  } catch (error) {
    throw new Error(`The build failed:\n${(error as { stdout?: string }).stdout ?? ''}`, { cause: error });
  }
}
