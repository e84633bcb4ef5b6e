import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { audience, type Certificate, createAuthority, startIssuer, startProcess, waitFor } from '@catalogue/testing';
import { expect, test } from 'vitest';
import { fileOf } from '../test/file-of.ts';

const program = new URL('../test/serving.ts', import.meta.url);
const start = (how: string, port = 0, metricsPort?: number, env: Record<string, string> = {}) =>
  startProcess(program, [String(port), how, ...(metricsPort === undefined ? [] : [String(metricsPort)])], {
    AUTH: 'off',
    ...env,
  });

test('a process that is told to stop ends its work and exits with 0', async () => {
  await using serving = start('works');
  await waitFor('it to listen', () => serving.stdout().includes('listening'));
  serving.kill('SIGTERM');
  expect(await serving.exited).toBe(0);
});

test.each([
  ['nothing', ''],
  ['half of its headers', 'GET /metrics HTTP/1.1\r\nHost: a\r\nX-Ha'],
  [
    'half of its body',
    'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"a"',
  ],
])('a client of which %s has come does not keep a process from ending', async (_, bytes) => {
  await using serving = start('works');
  const listening = /listening at http:\/\/127\.0\.0\.1:(\d+)/;
  await waitFor('it to listen', () => listening.test(serving.stdout()));
  const socket = connect(Number(listening.exec(serving.stdout())?.[1]), '127.0.0.1').on('error', () => {});
  await once(socket, 'connect');
  socket.write(bytes);
  // The server knows this connection once it has answered a request on a later one.
  await fetch(`http://127.0.0.1:${socket.remotePort}/health/live`);
  serving.kill('SIGTERM');
  expect(await serving.exited).toBe(0);
  socket.destroy();
});

test('a process that is told to stop twice exits at once, and says so', async () => {
  await using serving = start('stops slowly');
  await waitFor('it to listen', () => serving.stdout().includes('listening'));
  serving.kill('SIGTERM');
  await waitFor('it to stop', () => serving.stdout().includes('Stopping'));
  serving.kill('SIGTERM');
  expect(await serving.exited).toBe(1);
  expect(serving.stdout()).toMatch(/"level":60,.*"signal":"SIGTERM","msg":"Told to stop again: exiting at once"}\n$/);
});

test.each(['breaks while stopping', 'cannot close'])('a process that %s says why it exits with 1', async (how) => {
  await using serving = start(how);
  await waitFor('it to listen', () => serving.stdout().includes('listening'));
  serving.kill('SIGTERM');
  expect(await serving.exited).toBe(1);
  expect(serving.stdout()).toMatch(/"message":"broken".*"msg":"Failed while stopping; exiting"}\n$/);
});

test('a process whose work fails exits with 1', async () => {
  await using serving = start('fails');
  expect(await serving.exited).toBe(1);
  expect(serving.stdout()).toContain('broken');
});

test.each(['192.0.2.77', 'nowhere.invalid'])(
  'a process whose HOST is %s names it in one line and exits with 1',
  async (host) => {
    await using serving = start('works', 0, undefined, { HOST: host });
    expect(await serving.exited).toBe(1);
    expect(serving.stdout()).toContain(`${host} is not an address of this machine`);
    expect(serving.stdout()).not.toContain('stack');
  },
);

test('a process whose port is in use reports it in one line and exits with 1', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  await using serving = start('works', port);
  expect(await serving.exited).toBe(1);
  expect(serving.stdout()).toContain(`Port ${port} is in use`);
  expect(serving.stdout()).not.toContain('stack');
  other.close();
});

test('with a port of their own, health and metrics are not on the public one', async () => {
  await using serving = start('works', 0, 0);
  const listening = /listening at (http:\/\/127\.0\.0\.1:\d+)/g;
  const urls = await waitFor('it to listen twice', () => {
    const found = [...serving.stdout().matchAll(listening)].flatMap(([, url]) => url ?? []);
    return found.length === 2 && found;
  });
  const statusesOf = async (path: string) =>
    await Promise.all(urls.map(async (url) => (await fetch(`${url}${path}`)).status));
  for (const path of ['/health/live', '/health/ready', '/metrics']) expect(await statusesOf(path)).toEqual([404, 200]);
  expect(await statusesOf('/echo')).toEqual([405, 404]);
  expect(await (await fetch(`${urls[1]}/metrics`)).text()).toContain('process_cpu_seconds_total');
  serving.kill('SIGTERM');
  expect(await serving.exited).toBe(0);
});

/** The answer of a server over TLS, and the certificate that it sent. */
async function askTls(port: number, ca: string): Promise<{ answer: string; cert: string }> {
  const socket = connectTls({ port, host: '127.0.0.1', ca });
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
  await once(socket, 'secureConnect');
  const cert = socket.getPeerX509Certificate()?.toString() ?? '';
  socket.write('GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  await once(socket, 'end');
  return { answer, cert };
}

test('with a certificate, both ports speak HTTPS, and a certificate that is renewed needs no restart', async () => {
  const authority = await createAuthority();
  const [first, second] = [await authority.issue(), await authority.issue()];
  const [certFile, keyFile] = [fileOf(first.cert), fileOf(first.key)];
  await using serving = start('works', 0, 0, { TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile });
  const listening = /listening at https:\/\/127\.0\.0\.1:(\d+)/g;
  const ports = await waitFor('it to listen twice', () => {
    const found = [...serving.stdout().matchAll(listening)].map(([, port]) => Number(port));
    return found.length === 2 && found;
  });
  const certs = async () =>
    await Promise.all(ports.map(async (port) => (await askTls(port, authority.cert)).cert.trim()));
  const isServed = async ({ cert }: Certificate) => (await certs()).every((served) => served === cert.trim());
  expect(await isServed(first)).toBe(true);
  const [publicPort = 0, operationsPort = 0] = ports;
  expect((await askTls(publicPort, authority.cert)).answer).toMatch(/^HTTP\/1\.1 404 /);
  expect((await askTls(operationsPort, authority.cert)).answer).toContain('{"status":"live"}');

  const warning = 'The new TLS certificate cannot be used, so the old one stays: TLS_CERT does not fit TLS_KEY';
  writeFileSync(certFile, second.cert);
  await waitFor('a warning', () => serving.stdout().includes(warning));
  expect(await isServed(first)).toBe(true);
  writeFileSync(keyFile, second.key);
  await waitFor('the new certificate', async () => await isServed(second));
  expect(serving.stdout().split(warning)).toHaveLength(2);
  serving.kill('SIGTERM');
  expect(await serving.exited).toBe(0);
  for (const { key } of [first, second]) {
    const secret = key.split('\n')[1] ?? '';
    expect(secret).toHaveLength(64);
    expect(serving.stdout() + serving.stderr()).not.toContain(secret);
  }
});

test('a process whose certificate is another’s does not start, and says why in one line', async () => {
  const authority = await createAuthority();
  const [own, other] = [await authority.issue(), await authority.issue()];
  await using serving = start('works', 0, undefined, { TLS_CERT: own.cert, TLS_KEY: other.key });
  expect(await serving.exited).toBe(78);
  expect(serving.stderr()).toMatch(/^TLS_CERT does not fit TLS_KEY: .*\n$/);
  expect(serving.stdout()).toBe('');
});

test('a process with a certificate that has expired starts, and warns', async () => {
  const expired = await (await createAuthority()).issue('127.0.0.1', {
    notBeforeDate: new Date(Date.now() - 172_800_000),
    notAfterDate: new Date(Date.now() - 86_400_000),
  });
  await using serving = start('works', 0, undefined, { TLS_CERT: expired.cert, TLS_KEY: expired.key });
  await waitFor('it to listen', () => serving.stdout().includes('listening at https://'));
  expect(serving.stderr()).toMatch(/^TLS_CERT expired at .*: clients will refuse it\n$/);
});

test('the keys of an issuer with a private authority are found only with NODE_EXTRA_CA_CERTS', async () => {
  const authority = await createAuthority();
  await using issuer = await startIssuer([], 60, await authority.issue());
  const exp = Math.floor(Date.now() / 1000) + 60;
  const token = await issuer.sign({ iss: issuer.url, aud: audience, sub: 'shop', scope: 'catalogue:write', exp });
  const ask = async (env: Record<string, string>) => {
    await using serving = start('works', 0, undefined, {
      AUTH: 'on',
      AUTH_ISSUER: issuer.url,
      AUTH_AUDIENCE: audience,
      ...env,
    });
    const listening = /listening at (http:\/\/127\.0\.0\.1:\d+)/;
    const url = await waitFor('it to listen', () => listening.exec(serving.stdout())?.[1]);
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const { status } = await fetch(`${url}/echo`, { method: 'POST', headers, body: '{}' });
    const ready = await (await fetch(`${url}/health/ready`)).text();
    return { status, ready, written: serving.stdout() };
  };
  const trusting = await ask({ NODE_EXTRA_CA_CERTS: fileOf(authority.cert) });
  expect(trusting).toMatchObject({ status: 200, ready: expect.stringContaining('"issuer":{"status":"up"}') });
  const distrusting = await ask({});
  expect(distrusting).toMatchObject({ status: 503, ready: expect.stringContaining('"issuer":{"status":"down"') });
  expect(distrusting.written).toMatch(/UNABLE_TO_VERIFY_LEAF_SIGNATURE|unable to verify the first certificate/);
});
