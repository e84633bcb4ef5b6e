import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const textOf = (path: string) => readFileSync(join(root, path), 'utf8');
const release = textOf('.github/workflows/release.yml');

/** The lines of a job of the workflow `release`. */
function job(name: string): string {
  return new RegExp(`\\n  ${name}:\\n(.*?)(?=\\n  \\w+:\\n|$)`, 's').exec(release)?.[1] ?? '';
}

/** What a job may do, by its lines `permissions:`. */
function permissionsOf(name: string): string[] {
  const [, block = ''] = /\n {4}permissions:\n((?: {6}.*\n)+)/.exec(job(name)) ?? [];
  return (block.match(/^ {6}[\w-]+: \w+/gm) ?? []).map((line) => line.trim()).toSorted();
}

test.each(globSync('.github/workflows/*.yml', { cwd: root }))('%s pins each action by its commit', (path) => {
  const used = textOf(path).match(/\buses: .*/g) ?? [];
  expect(used.length).toBeGreaterThan(0);
  for (const line of used) expect(line).toMatch(/^uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
});

test('each push to main has its own run of ci, which no later push cancels', () => {
  const group = "group: ci-${{ github.event_name == 'pull_request' && github.ref || github.sha }}\n";
  expect(textOf('.github/workflows/ci.yml')).toContain(group);
});

test('a job of a release may do no more than it needs', () => {
  expect(release).toContain('\npermissions: {}\n');
  expect(
    Object.fromEntries(['version', 'client', 'schemas', 'bases', 'image'].map((n) => [n, permissionsOf(n)])),
  ).toEqual({
    version: ['contents: write'],
    client: ['contents: read', 'id-token: write'],
    schemas: ['contents: read'],
    bases: ['contents: read'],
    image: ['attestations: write', 'contents: read', 'id-token: write', 'packages: write'],
  });
});

test('a release signs the provenance of its images and of the client', () => {
  // On the Node of this workspace: npm's trusted publishers need a newer one than a runner may have.
  expect(job('client')).toMatch(/node tools\/bootstrap\.mjs npx --yes npm@\S+ publish .* --provenance\n/);
  const attests = job('image').match(/- uses: actions\/attest@.*\n {8}with:\n(?: {10}.*\n?)+/g) ?? [];
  expect(attests).toHaveLength(2);
  for (const attest of attests) expect(attest).toContain('subject-digest: ${{ steps.push.outputs.digest }}');
  // Without more, the action signs the provenance.
  expect(attests.map((attest) => attest.includes('sbom-path:'))).toEqual([false, true]);
});

test('a release builds on base images that are named by their digests', () => {
  for (const name of ['BUILD_IMAGE', 'RUNTIME_IMAGE']) {
    expect(job('image')).toContain(` ${name}=\${{ needs.bases.outputs.${name} }}\n`);
    expect(job('bases')).toContain(` ${name}: \${{ steps.digests.outputs.${name} }}\n`);
  }
  expect(job('image')).toContain('base.name=${{ needs.bases.outputs.RUNTIME_IMAGE }}\n');
});
