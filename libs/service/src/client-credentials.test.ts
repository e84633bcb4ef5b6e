import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { ClientCredentials } from './client-credentials.ts';

let answer: { status: number; body: object };
let isHanging: boolean;
/** Answers the requests that hang. */
let goOn: () => void;
let asked: { authorization: string | undefined; body: string }[] = [];

beforeEach(() => {
  asked = [];
  isHanging = false;
  vi.useFakeTimers({ toFake: ['Date', 'performance'] });
});
afterEach(() => vi.useRealTimers());

async function read(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk as string;
  return text;
}

async function start(secret = () => 'p:w d') {
  const respond = async (request: IncomingMessage, response: ServerResponse) => {
    asked.push({ authorization: request.headers.authorization, body: await read(request) });
    if (isHanging) await new Promise<void>((resolve) => (goOn = resolve));
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
  };
  const server = createServer((request, response) => void respond(request, response));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void (server.closeAllConnections(), server.close()));
  const tokenUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
  const lines: string[] = [];
  const note = (level: string) => (_: object, message: string) => void lines.push(`${level} ${message}`);
  const credentials = new ClientCredentials({ tokenUrl, clientId: 'relay', clientSecret: secret, scope: 'a b' });
  const log = { info: note('info'), warn: note('warn') };
  const token = async (known?: string) => await credentials.token(log, known);
  return { token, refuse: (value: string) => credentials.refuse(value), lines };
}

const give = (access_token: string) => ({ status: 200, body: { access_token, expires_in: 100 } });

test('asks by the grant client_credentials, once for all who ask together', async () => {
  answer = give('first');
  const { token } = await start();
  const [one, two] = await Promise.all([token(), token()]);
  expect(one).toEqual({ value: 'first', expiresAt: Date.now() + 100_000 });
  expect(two).toBe(one);
  const authorization = `Basic ${btoa('relay:p%3Aw+d')}`;
  expect(asked).toEqual([{ authorization, body: 'grant_type=client_credentials&scope=a+b' }]);
});

test('renews a token after three quarters of its time, with the secret of then', async () => {
  let secret = 'old';
  const { token } = await start(() => secret);
  answer = give('first');
  await token();
  answer = give('second');
  secret = 'new';
  vi.advanceTimersByTime(74_000);
  expect((await token()).value).toBe('first');
  vi.advanceTimersByTime(2_000);
  expect((await token()).value).toBe('first');
  await expect.poll(async () => (await token()).value).toBe('second');
  expect(asked.map(({ authorization }) => authorization)).toEqual([
    `Basic ${btoa('relay:old')}`,
    `Basic ${btoa('relay:new')}`,
  ]);
});

test('an issuer that hangs delays nobody who has a valid token', async () => {
  const { token } = await start();
  answer = give('first');
  await token();
  isHanging = true;
  answer = give('second');
  vi.advanceTimersByTime(80_000);
  for (let call = 0; call < 3; call++) expect((await token()).value).toBe('first');
  await expect.poll(() => asked.length).toBe(2);
  isHanging = false;
  goOn();
  await expect.poll(async () => (await token()).value).toBe('second');
  expect(asked).toHaveLength(2);
});

test('a caller waits for the token after the one that it knows, and keeps that one if no other comes', async () => {
  const { token } = await start();
  answer = give('first');
  expect((await token('none')).value).toBe('first');
  answer = { status: 503, body: {} };
  vi.advanceTimersByTime(80_000);
  expect((await token('first')).value).toBe('first');
  answer = give('second');
  vi.advanceTimersByTime(2_000);
  expect((await token('first')).value).toBe('second');
});

test('goes on with a token until its end while the issuer gives none, and says it once', async () => {
  const { token, lines } = await start();
  answer = give('first');
  await token();
  answer = { status: 503, body: {} };
  vi.advanceTimersByTime(97_900);
  expect((await token()).value).toBe('first');
  await expect.poll(() => lines).toHaveLength(1);
  vi.advanceTimersByTime(2_000);
  expect((await token()).value).toBe('first');
  vi.advanceTimersByTime(2_000);
  await expect(token()).rejects.toThrow('/token answered 503');
  answer = give('second');
  vi.advanceTimersByTime(2_000);
  expect((await token()).value).toBe('second');
  expect(lines).toEqual([
    'warn The issuer gives no access token; trying again',
    'info The issuer gives access tokens again',
  ]);
});

test.each([{}, { access_token: 'a b', expires_in: 100 }, { access_token: 'a' }, { access_token: 'a', expires_in: 0 }])(
  'an answer without a usable token is a fault: %o',
  async (body) => {
    answer = { status: 200, body };
    const { token } = await start();
    await expect(token()).rejects.toThrow(/without a token|when its token expires/);
  },
);

test('for 2 s after a failure the issuer is not asked again, however many ask', async () => {
  answer = { status: 429, body: {} };
  const { token } = await start();
  const together = await Promise.allSettled(Array.from({ length: 10 }, () => token()));
  for (let call = 0; call < 100; call++) await expect(token()).rejects.toThrow('/token answered 429');
  expect(together.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 'rejected'));
  expect(asked).toHaveLength(1);
  vi.advanceTimersByTime(2_000);
  answer = give('first');
  expect((await token()).value).toBe('first');
});

test('a refused token is replaced, unless it is new or another one than the present', async () => {
  const { token, refuse } = await start();
  answer = give('first');
  await token();
  answer = give('second');
  vi.advanceTimersByTime(4_000);
  refuse('first');
  expect((await token()).value).toBe('first');
  vi.advanceTimersByTime(2_000);
  refuse('another');
  expect((await token()).value).toBe('first');
  refuse('first');
  expect((await token()).value).toBe('second');
  refuse('first');
  expect((await token()).value).toBe('second');
  expect(asked).toHaveLength(2);
});

test('a refused token goes on while the issuer gives no other', async () => {
  const { token, refuse } = await start();
  answer = give('first');
  await token();
  answer = { status: 503, body: {} };
  vi.advanceTimersByTime(6_000);
  refuse('first');
  expect([(await token()).value, (await token()).value]).toEqual(['first', 'first']);
  expect(asked).toHaveLength(2);
  answer = give('second');
  vi.advanceTimersByTime(2_000);
  expect((await token()).value).toBe('second');
});

test('an API that refuses every token has the issuer asked once a minute, and after a renewal at once again', async () => {
  const { token, refuse } = await start();
  const useFor = async (seconds: number) => {
    const before = asked.length;
    for (let second = 0; second < seconds; second++) {
      answer = { status: 200, body: { access_token: `token-${asked.length}`, expires_in: 400 } };
      refuse((await token()).value);
      vi.advanceTimersByTime(1_000);
    }
    return asked.length - before;
  };
  // At 0, 6, 17, 38 and 79 s; then each minute.
  expect(await useFor(90)).toBe(5);
  expect(await useFor(600)).toBe(10);
  vi.advanceTimersByTime(300_000);
  answer = give('renewed');
  await expect.poll(async () => (await token()).value).toBe('renewed');
  expect(await useFor(7)).toBe(1);
});
