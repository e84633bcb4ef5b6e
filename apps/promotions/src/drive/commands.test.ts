import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, type Logger } from '@catalogue/service';
import { clientSecret, createAuthority, startIssuer, waitFor } from '@catalogue/testing';
import { expect, onTestFinished, test, vi } from 'vitest';
import { settings } from '../settings.ts';
import { openCommands, sendStep } from './commands.ts';

const step = {
  product: 'mouse',
  step: 'a',
  stepVersion: 1,
  cents: 800,
  state: 'applying',
  unsent: false,
  prevents: false,
} as const;

/** A server that answers every command with the status that is set last, or with the one for its token. */
async function startApi(statusFor?: (token: string) => number) {
  const api = { url: '', status: 401 };
  const server = createServer(({ headers }, response) => {
    api.status = statusFor?.(headers.authorization?.slice('Bearer '.length) ?? '') ?? api.status;
    const body = api.status === 200 ? { id: 'mouse', version: 2 } : { type: 'refused', title: 'Refused' };
    response.writeHead(api.status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void (server.closeAllConnections(), server.close()));
  api.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return api;
}

/** The id of the key that signed a token. */
function keyOf(token: string): string | undefined {
  const header = Buffer.from(token.split('.')[0] ?? '', 'base64url').toString();
  return (JSON.parse(header) as { kid?: string }).kid;
}

/** An issuer whose tokens live for 60 s, and promotions' client of it. */
async function startTokens(mode: 'gives' | 'refuses' | 'hangs') {
  const issuer = { mode, asked: '' };
  const server = createServer((request, response) => {
    issuer.asked = request.headers.authorization ?? '';
    if (issuer.mode === 'hangs') return;
    response.writeHead(issuer.mode === 'gives' ? 200 : 503, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ access_token: 'token', expires_in: 60 }));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void (server.closeAllConnections(), server.close()));
  const client = settings.tokenClient.parse(`http://127.0.0.1:${(server.address() as AddressInfo).port}/token`, {
    COMMAND_API_CLIENT_ID: 'promotions',
    COMMAND_API_CLIENT_SECRET: 'known-to-two',
  });
  return Object.assign(issuer, { client });
}

/** A log, and the lines written to it as `level message`. */
function watchedLog(): { log: Logger; lines: string[] } {
  const log = createLogger('test', 'silent');
  const lines: string[] = [];
  vi.spyOn(log, 'warn').mockImplementation((_details: unknown, message?: string) => void lines.push(`warn ${message}`));
  vi.spyOn(log, 'info').mockImplementation((details: unknown, message?: string) => {
    lines.push(`info ${message ?? String(details)}`);
  });
  return { log, lines };
}

const over = 'info command-api accepts commands again';

test.each([401, 403])('a refusal with %s is logged once, and its end once', async (status) => {
  const api = await startApi();
  const { log, lines } = watchedLog();
  const commands = openCommands(api.url, { log });
  const send = async () => (await sendStep(commands, step, new AbortController().signal))?.outcome;
  const refused = expect.stringMatching(
    /^warn command-api needs .*: set COMMAND_API_TOKEN_URL or .*; promotions wait$/,
  );
  for (const now of [status, status]) {
    api.status = now;
    expect(await send()).toBeUndefined();
  }
  expect(lines).toEqual([refused]);
  api.status = 200;
  expect([await send(), await send()]).toEqual(['answered', 'answered']);
  expect(lines).toEqual([refused, over]);
});

test('a certificate of command-api that cannot be verified is logged once, and an outage is not', async () => {
  const authority = await createAuthority();
  const server = createTlsServer(await authority.issue());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  const { log, lines } = watchedLog();
  const commands = openCommands(`https://127.0.0.1:${(server.address() as AddressInfo).port}`, { log });
  // The client tries several times.
  expect(await sendStep(commands, step, new AbortController().signal)).toBeUndefined();
  expect(lines).toEqual([expect.stringMatching(/^warn The certificate of command-api cannot be verified: /)]);
  const away = watchedLog();
  expect(await sendStep(openCommands('https://127.0.0.1:1', away), step, new AbortController().signal)).toBeUndefined();
  expect(away.lines).toEqual([]);
});

test('a token file that is missing, empty or garbled leaves the step as it is, and is logged once', async () => {
  const api = await startApi();
  api.status = 200;
  const folder = await mkdtemp(join(tmpdir(), 'promotions-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const tokenFile = join(folder, 'token');
  const { log, lines } = watchedLog();
  const commands = openCommands(api.url, { tokenFile, log });
  const send = async () => (await sendStep(commands, step, new AbortController().signal))?.outcome;
  expect(await send()).toBeUndefined();
  for (const text of ['', 'two words']) {
    await writeFile(tokenFile, text);
    expect(await send()).toBeUndefined();
  }
  const unreadable = 'warn COMMAND_API_TOKEN_FILE cannot be read; promotions wait';
  expect(lines).toEqual([unreadable]);
  await writeFile(tokenFile, 'token\n');
  expect(await send()).toBe('answered');
  expect(lines).toEqual([unreadable, over]);
});

test('while the issuer gives no token the step stays as it is, and that is logged once', async () => {
  const api = await startApi();
  api.status = 200;
  const issuer = await startTokens('refuses');
  const { log, lines } = watchedLog();
  const commands = openCommands(api.url, { tokenClient: issuer.client, log });
  const send = async () => (await sendStep(commands, step, new AbortController().signal))?.outcome;
  expect([await send(), await send()]).toEqual([undefined, undefined]);
  const missing = [
    'warn The issuer gives no access token; trying again',
    'warn There is no access token for command-api; promotions wait',
  ];
  expect(lines).toEqual(missing);
  issuer.mode = 'gives';
  await waitFor('the step to be answered', async () => (await send()) === 'answered');
  expect(lines).toEqual([...missing, 'info The issuer gives access tokens again', over]);
  expect(issuer.asked).toBe(`Basic ${btoa('promotions:known-to-two')}`);
});

test.each([401, 403])('after a token that is refused with %s the next one is sent', async (status) => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  await using issuer = await startIssuer(['promotions']);
  let key = issuer.publicKey().kid;
  const api = await startApi((token) => (keyOf(token) === key ? 200 : status));
  const tokenClient = settings.tokenClient.parse(`${issuer.url}/token`, {
    COMMAND_API_CLIENT_ID: 'promotions',
    COMMAND_API_CLIENT_SECRET: clientSecret,
  });
  const { log, lines } = watchedLog();
  const commands = openCommands(api.url, { tokenClient, log });
  const send = async () => (await sendStep(commands, step, new AbortController().signal))?.outcome;
  expect(await send()).toBe('answered');
  vi.advanceTimersByTime(6_000);
  await issuer.rotate();
  key = issuer.publicKey().kid;
  // After 401 the client itself tries once more.
  expect(await send()).toBe(status === 401 ? 'answered' : undefined);
  expect(await send()).toBe('answered');
  expect(issuer.given).toBe(2);
  expect(lines).toEqual([expect.stringMatching(/^warn command-api needs an access token/), over]);
});

test('while the issuer hangs, steps go on with the token that is still valid', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const api = await startApi();
  api.status = 200;
  const issuer = await startTokens('gives');
  const { log, lines } = watchedLog();
  const commands = openCommands(api.url, { tokenClient: issuer.client, log });
  const send = async () => (await sendStep(commands, step, new AbortController().signal))?.outcome;
  expect(await send()).toBe('answered');
  issuer.mode = 'hangs';
  vi.setSystemTime(Date.now() + 50_000);
  expect([await send(), await send()]).toEqual(['answered', 'answered']);
  await waitFor('the log to say it', () => lines.length > 0);
  expect(await send()).toBe('answered');
  expect(lines).toEqual(['warn The issuer gives no access token; trying again']);
});
