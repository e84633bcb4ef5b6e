import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Certificate, createAuthority } from '@catalogue/testing';
import { expect, onTestFinished, test } from 'vitest';

const program = fileURLToPath(new URL('../healthcheck.mjs', import.meta.url));

/** The check of a service that answers on one port only. */
async function check(
  environmentOf: (port: string, file: string) => Record<string, string>,
  { status = 200, certificate }: { status?: number; certificate?: Certificate } = {},
): Promise<string> {
  const asked = Promise.withResolvers<string>();
  const answer: RequestListener = ({ url = '' }, response) => {
    asked.resolve(url);
    response.writeHead(status).end('{"status":"starting"}');
  };
  const server = certificate === undefined ? createServer(answer) : createTlsServer(certificate, answer);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const folder = mkdtempSync(join(tmpdir(), 'healthcheck-'));
  onTestFinished(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  const port = String((server.address() as AddressInfo).port);
  const file = join(folder, 'port');
  writeFileSync(file, `${port}\n`);
  await promisify(execFile)(process.execPath, [program, 'ready'], { env: environmentOf(port, file) });
  return await asked.promise;
}

// fetch never connects to port 1.
test.each<[string, (port: string, file: string) => Record<string, string>]>([
  ['PORT', (port) => ({ PORT: port, METRICS_PORT: '' })],
  ['METRICS_PORT', (port) => ({ PORT: '1', METRICS_PORT: port })],
  ['METRICS_PORT_FILE', (_port, file) => ({ PORT: '1', METRICS_PORT: '', METRICS_PORT_FILE: file })],
  ['PORT_FILE', (_port, file) => ({ PORT: '', PORT_FILE: file })],
])('the port of health is read from %s', async (_variable, environmentOf) => {
  expect(await check(environmentOf)).toBe('/health/ready');
});

test('a service with a certificate is asked over HTTPS, although the certificate does not name 127.0.0.1', async () => {
  const certificate = await (await createAuthority()).issue('query-api');
  const { cert } = certificate;
  for (const variables of [{ TLS_CERT: cert }, { TLS_CERT_FILE: '/run/secrets/tls.crt' }])
    expect(await check((port) => ({ PORT: port, ...variables }), { certificate })).toBe('/health/ready');
});

test('a service that is not ready fails the check, and the check repeats what the service says', async () => {
  const failure = await check((port) => ({ PORT: port }), { status: 503 }).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 1, stderr: '{"status":"starting"}\n' });
});
