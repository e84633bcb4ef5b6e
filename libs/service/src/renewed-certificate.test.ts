import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:tls';
import { type Authority, createAuthority } from '@catalogue/testing';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { createMetrics } from './metrics.ts';
import { RenewedCertificate } from './renewed-certificate.ts';
import type { Certificate } from './tls-settings.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
afterEach(() => vi.useRealTimers());

const day = 86_400_000;

/** A server that listens with the first certificate. `files` is what is read again, or the fault of doing so. */
async function start(first: Certificate, authority: Authority) {
  const files: { next: Certificate | Error } = { next: first };
  const reread = () => {
    if (files.next instanceof Error) throw files.next;
    return files.next;
  };
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => void lines.push((JSON.parse(line) as { msg: string }).msg) });
  const metrics = createMetrics('test');
  const certificate = new RenewedCertificate({ ...first, reread }, log, metrics);
  const server = certificate.createServer({}, (_request, response) => void response.end());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  /** The certificate that a new connection gets. */
  const served = async (): Promise<string> => {
    const { port } = server.address() as AddressInfo;
    const socket = connect({ port, host: '127.0.0.1', ca: authority.cert });
    await once(socket, 'secureConnect');
    const cert = socket.getPeerX509Certificate()?.toString().trim() ?? '';
    socket.destroy();
    return cert;
  };
  const expiry = async () =>
    Number(/^tls_certificate_expires_timestamp_seconds\{.*\} (\d+)/m.exec(await metrics.metrics())?.[1]) * 1_000;
  return { files, lines, served, expiry, server };
}

const pass = () => vi.advanceTimersByTime(5_000);

test('new connections get a renewed certificate, and the metric follows it', async () => {
  const authority = await createAuthority();
  const lastsUntil = (days: number) =>
    authority.issue('127.0.0.1', { notAfterDate: new Date(Date.now() + days * day) });
  const [first, second] = [await lastsUntil(1), await lastsUntil(90)];
  const { files, lines, served, expiry } = await start(first, authority);
  expect(await expiry()).toBeLessThan(Date.now() + 2 * day);
  pass();
  expect(lines).toEqual([]);
  files.next = second;
  pass();
  expect(await served()).toBe(second.cert.trim());
  expect(await expiry()).toBeGreaterThan(Date.now() + 89 * day);
  pass();
  expect(lines).toEqual(['New connections get the new TLS certificate']);
});

test('a new certificate that cannot be used leaves the old one, and is logged once; a renewal under way is not', async () => {
  const authority = await createAuthority();
  const first = await authority.issue();
  const { files, lines, served } = await start(first, authority);
  files.next = new Error('TLS_CERT does not fit TLS_KEY');
  pass();
  expect(lines).toEqual([]);
  for (let i = 0; i < 10; i += 1) pass();
  const line = 'The new TLS certificate cannot be used, so the old one stays: TLS_CERT does not fit TLS_KEY';
  expect(lines).toEqual([line]);
  expect(await served()).toBe(first.cert.trim());
  files.next = first;
  pass();
  files.next = new Error('TLS_CERT does not fit TLS_KEY');
  pass();
  pass();
  expect(lines).toEqual([line, line]);
});

test('a new certificate that has expired does not replace a valid one', async () => {
  const authority = await createAuthority();
  const first = await authority.issue();
  const { files, lines, served } = await start(first, authority);
  files.next = await authority.issue('127.0.0.1', {
    notBeforeDate: new Date(Date.now() - 2 * day),
    notAfterDate: new Date(Date.now() - day),
  });
  pass();
  pass();
  expect(lines).toEqual([
    expect.stringMatching(/so the old one stays: TLS_CERT expired at .*: clients will refuse it$/),
  ]);
  expect(await served()).toBe(first.cert.trim());
});

test('files are read only while a server listens', async () => {
  const authority = await createAuthority();
  const { server } = await start(await authority.issue(), authority);
  expect(vi.getTimerCount()).toBe(1);
  server.close();
  await once(server, 'close');
  expect(vi.getTimerCount()).toBe(0);
});
