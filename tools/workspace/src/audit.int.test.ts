import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const advisory = {
  id: 1,
  url: 'https://advisories.example/1',
  title: 'Reads what it must not',
  severity: 'high',
  vulnerable_versions: '>=1.0.0',
  cwe: [],
  cvss: { score: 9, vectorString: '' },
};

/** Runs `npm run audit` against a registry that answers so; undefined for one that is away. */
async function audit(answer?: { status: number; body: object }, more: Record<string, string> = {}) {
  const registry = createServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(answer?.status ?? 500, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer?.body));
    });
  });
  await once(registry.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(registry.address() as AddressInfo).port}/`;
  if (answer === undefined) registry.close();
  const env = { ...process.env, pnpm_config_registry: url, ...more };
  const running = spawn(process.execPath, [fileURLToPath(new URL('./audit.ts', import.meta.url))], { env });
  let output = '';
  for (const stream of [running.stdout, running.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const [code] = (await once(running, 'close')) as [number];
  registry.close();
  return { code, output };
}

test('an audit fails for a dependency with a known vulnerability, and names it', async () => {
  expect(await audit({ status: 200, body: { fastify: [advisory] } })).toEqual({
    code: 1,
    output: expect.stringContaining(
      'fastify: high: Reads what it must not (https://advisories.example/1)\naudit: 1 advisories for ',
    ),
  });
  expect(await audit({ status: 200, body: {} })).toEqual({
    code: 0,
    output: expect.stringMatching(/^audit: 0 advisories for \d{3} dependencies\n$/),
  });
});

test('an audit with more text than a pipe holds by default fails, too', async () => {
  const long = { ...advisory, title: 'x'.repeat(2 * 1024 * 1024) };
  const { code, output } = await audit({ status: 200, body: { fastify: [long] } });
  expect({ code, end: output.slice(-100) }).toEqual({
    code: 1,
    end: expect.stringContaining('audit: 1 advisories for '),
  });
});

test('without pnpm, an audit fails', async () => {
  expect(await audit({ status: 200, body: {} }, { PATH: '' })).toEqual({
    code: 1,
    output: 'The dependencies were not audited: spawnSync pnpm ENOENT\n',
  });
});

test.each([['a registry that refuses', { status: 405, body: {} }] as const, ['no registry', undefined] as const])(
  'with %s, an audit is skipped aloud',
  async (_, answer) => {
    expect(await audit(answer)).toEqual({
      code: 0,
      output: expect.stringMatching(/^!!! The dependencies were NOT AUDITED, this step is skipped: .*ERR_PNPM_AUDIT/),
    });
  },
);
