// npm run audit: asks the registry for known vulnerabilities of what is deployed. Fails if one is high or critical.
import { spawnSync } from 'node:child_process';

interface Audit {
  advisories: Record<string, { module_name: string; severity: string; title: string; url: string }>;
  metadata: { totalDependencies: number };
}

const args = ['audit', '--prod', '--audit-level=high', '--json'];
const env = { ...process.env, pnpm_config_fetch_retries: '0' };
/** An advisory has some kilobytes. */
const maxBuffer = 64 * 1024 * 1024;
const { status, error, stdout, stderr } = spawnSync('pnpm', args, {
  env,
  encoding: 'utf8',
  timeout: 60_000,
  maxBuffer,
});
const said = (stderr ?? '').replaceAll(/[\s│×├└╰─▶]+/g, ' ').trim();
const fault: NodeJS.ErrnoException | undefined = error;
const audit = parse(stdout ?? '');
if (audit !== undefined) {
  const found = Object.values(audit.advisories);
  for (const { module_name: name, severity, title, url } of found)
    console.log(`${name}: ${severity}: ${title} (${url})`);
  console.log(`audit: ${found.length} advisories for ${audit.metadata.totalDependencies} dependencies`);
  process.exitCode = status ?? 1;
} else if (fault?.code === 'ETIMEDOUT' || said.includes('ERR_PNPM_AUDIT_BAD_RESPONSE')) {
  console.log(`!!! The dependencies were NOT AUDITED, this step is skipped: ${said || 'no answer within a minute'}`);
} else {
  console.error(`The dependencies were not audited: ${fault?.message ?? said}`);
  process.exitCode = 1;
}

/** Undefined where the registry gave no answer: pnpm then writes no JSON. */
function parse(text: string): Audit | undefined {
  try {
    return JSON.parse(text) as Audit;
  } catch {
    return undefined;
  }
}
