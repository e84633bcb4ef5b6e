import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@catalogue/local-stack';
import { type OwnProcess, startProcess, waitFor } from '@catalogue/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAuthority } from './authority.ts';

// The certificates and the issuer as docker-compose.secure.yml runs them: as processes, with files only.

const home = mkdtempSync(join(tmpdir(), 'issuer-'));
const port = await freePort();
const url = `https://localhost:${port}`;
const page = 'https://localhost:1/';
const resource = 'https://catalogue.example';
const verifier = randomBytes(32).toString('base64url');
const folder = (name: string) => join(home, name);
const secretOf = (path: string) => readFileSync(join(home, 'secrets', path), 'utf8').trim();
const owner = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
let issuer: OwnProcess;

beforeAll(async () => {
  await makeCertificates();
  issuer = await startIssuer();
});
afterAll(async () => {
  await issuer?.[Symbol.asyncDispose]();
  rmSync(home, { recursive: true });
});

async function makeCertificates(): Promise<string> {
  const env = {
    AUTHORITY: folder('authority'),
    SECRETS: folder('secrets'),
    SERVICE_OWNER: owner,
    DATABASE_OWNER: owner,
  };
  await using run = startProcess(new URL('certificates.ts', import.meta.url), [], env);
  if ((await run.exited) !== 0) throw new Error(run.stderr());
  return run.stdout();
}

async function startIssuer(): Promise<OwnProcess> {
  const own = folder('secrets/issuer');
  const started = startProcess(new URL('main.ts', import.meta.url), [], {
    ISSUER_URL: url,
    PAGE_URL: page,
    AUTH_AUDIENCE: resource,
    PORT: String(port),
    HOST: '127.0.0.1',
    SECRETS: own,
    STATE: folder('state'),
    TLS_CERT_FILE: join(own, 'tls.crt'),
    TLS_KEY_FILE: join(own, 'tls.key'),
  });
  await waitFor(`the issuer to answer: ${started.stderr()}`, () => started.stdout().includes('It answers at'));
  return started;
}

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** Verifies the issuer's certificate. */
function ask(path: string, method = 'GET', headers: Record<string, string> = {}, body = ''): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}${path}`, { method, headers, ca: secretOf('issuer/ca.crt') }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    sent.once('error', reject).end(body);
  });
}

const form = { 'content-type': 'application/x-www-form-urlencoded' };

function token(client: string, secret: string, scope: string): Promise<Answer> {
  const authorization = `Basic ${btoa(`${client}:${secret}`)}`;
  const fields = new URLSearchParams({ grant_type: 'client_credentials', scope });
  return ask('/token', 'POST', { ...form, authorization }, fields.toString());
}

/** Begins a sign-in as the page does; returns its path and its cookies. */
async function begin(change: Record<string, string> = {}): Promise<{ answer: Answer; path: string; cookie: string }> {
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const wanted = { client_id: 'catalogue-page', response_type: 'code', redirect_uri: page, resource, state: 'own' };
  const proof = { code_challenge: challenge, code_challenge_method: 'S256' };
  const scope = 'openid catalogue:read catalogue:write';
  const answer = await ask(`/auth?${new URLSearchParams({ ...wanted, ...proof, scope, ...change }).toString()}`);
  const cookie = (answer.headers['set-cookie'] ?? []).map((each) => each.split(';')[0]).join('; ');
  return { answer, path: answer.headers.location ?? '', cookie };
}

/** Signs in, and returns the claims of the access token; otherwise the answer of the form. */
async function signIn(user: string, password: string): Promise<Record<string, unknown> | Answer> {
  const { path, cookie } = await begin();
  const fields = new URLSearchParams({ user, password }).toString();
  const answer = await ask(path, 'POST', { ...form, cookie }, fields);
  if (answer.status !== 303) return answer;
  const resumed = await ask(new URL(answer.headers.location ?? '').pathname, 'GET', { cookie });
  const code = new URL(resumed.headers.location ?? '').searchParams.get('code') ?? '';
  const grant = { grant_type: 'authorization_code', code, redirect_uri: page, resource, client_id: 'catalogue-page' };
  const body = new URLSearchParams({ ...grant, code_verifier: verifier }).toString();
  return claimsOf(await ask('/token', 'POST', { ...form, origin: new URL(page).origin }, body));
}

function claimsOf({ text }: Answer): Record<string, unknown> {
  const { access_token } = JSON.parse(text) as { access_token: string };
  return JSON.parse(Buffer.from(access_token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
}

test('the issuer says aloud what it is not for', () => {
  expect(issuer.stdout()).toContain('not for production');
});

test('a client gets a token for its scopes by its secret, and no other', async () => {
  const given = await token('shop', secretOf('issuer/clients/shop'), 'catalogue:read catalogue:write catalogue:ops');
  expect(claimsOf(given)).toMatchObject({
    iss: url,
    sub: 'shop',
    aud: resource,
    scope: 'catalogue:read catalogue:write catalogue:ops',
  });
  expect((await token('shop', secretOf('issuer/clients/promotions'), 'catalogue:read')).status).toBe(401);
  const tooMuch = await token('promotions', secretOf('promotions/client-secret'), 'catalogue:ops');
  expect([tooMuch.status, tooMuch.text]).toEqual([400, expect.stringContaining('invalid_scope')]);
});

test('a user signs in by the password, and gets only what the user may do', async () => {
  expect(await signIn('ada', secretOf('issuer/users/ada'))).toMatchObject({
    sub: 'ada',
    scope: 'catalogue:read catalogue:write',
  });
  expect(await signIn('grace', secretOf('issuer/users/grace'))).toMatchObject({
    sub: 'grace',
    scope: 'catalogue:read',
  });
});

test.each([
  ['another password', 'ada', 'wrong', 403],
  ["another user's password", 'ada', '', 403],
  ['the name of a property of every object', '__proto__', '', 403],
  ['no user', '', '', 403],
  ['a form of 5 kB', 'a'.repeat(5_000), '', 413],
])('a sign-in with %s is refused', async (_, user, password, status) => {
  const answer = await signIn(user, password);
  expect(answer).toMatchObject({ status });
  expect((answer as Answer).text).not.toContain('aaaa');
});

test('a sign-in that this browser has not begun, and one without PKCE, are refused', async () => {
  const { path } = await begin();
  const fields = new URLSearchParams({ user: 'ada', password: secretOf('issuer/users/ada') }).toString();
  expect((await ask(path, 'POST', form, fields)).status).toBe(400);
  const { answer } = await begin({ code_challenge: '', code_challenge_method: '' });
  expect(answer.headers.location).toContain('error=invalid_request');
  expect((await begin({ redirect_uri: 'https://localhost:1.example/' })).answer.status).toBe(400);
});

test('the issuer has the same key after a restart', async () => {
  const before = (await ask('/jwks')).text;
  expect(before).not.toContain('"d"');
  issuer.kill('SIGTERM');
  expect(await issuer.exited).toBe(0);
  issuer = await startIssuer();
  expect((await ask('/jwks')).text).toBe(before);
  expect(statSync(join(home, 'state', 'signing-key.json')).mode & 0o77).toBe(0);
});

test('nobody but its recipient can read a key or a password', () => {
  for (const file of readdirSync(folder('secrets'), { recursive: true, withFileTypes: true })) {
    if (!file.isFile() || file.name === 'ca.crt' || file.name === 'tls.crt') continue;
    expect([file.name, statSync(join(file.parentPath, file.name)).mode & 0o777]).toEqual([file.name, 0o400]);
  }
  expect(statSync(join(home, 'authority', 'ca.key')).mode & 0o777).toBe(0o600);
});

test('a second run keeps what is good, and replaces what ends soon, is missing or names another host', async () => {
  const file = (name: string) => join(home, 'secrets', name, 'tls.crt');
  const read = () => ['kafka', 'read-db', 'query-api', 'promotions'].map((name) => readFileSync(file(name), 'utf8'));
  const before = read();
  const password = secretOf('outbox-relay/kafka-password');
  expect(await makeCertificates()).toContain('0 certificates were made');
  expect(read()).toEqual(before);
  const authority = await createAuthority('another');
  rmSync(file('read-db'));
  rmSync(file('query-api'));
  writeFileSync(file('query-api'), (await authority.issue('query_api', ['query-api', 'localhost'])).cert);
  expect(await makeCertificates()).toContain('2 certificates were made');
  const after = read();
  expect(after.map((cert, n) => cert === before[n])).toEqual([true, false, false, true]);
  expect(secretOf('outbox-relay/kafka-password')).toBe(password);
  const names = new X509Certificate(after[2] ?? '').subjectAltName;
  expect(names).toBe('DNS:query-api, DNS:localhost');
});
