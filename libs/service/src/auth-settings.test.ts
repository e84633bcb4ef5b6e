import { expect, test } from 'vitest';
import { fileOf } from '../test/file-of.ts';
import { parseSettings } from './settings.ts';
import { auth, pageClientId } from './auth-settings.ts';

const read = (env: Record<string, string>) => parseSettings({ auth }, env).auth;
const issuer = { AUTH_ISSUER: 'https://login.example/realm', AUTH_AUDIENCE: 'catalogue' };

test('a service that is told neither way does not start, and says which two there are', () => {
  for (const env of [{}, { AUTH: ' ' }, { AUTH: 'on' }, { AUTH_AUDIENCE: 'catalogue' }]) {
    expect(() => read(env)).toThrow(
      /^AUTH must be set in one of two ways: AUTH_ISSUER .* or AUTH=off, so that whoever/,
    );
  }
});

test('AUTH=off has to be said, and an issuer needs no more than an audience', () => {
  expect(read({ AUTH: 'off' })).toBe('off');
  const rules = { issuer: issuer.AUTH_ISSUER, audience: 'catalogue', algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'] };
  expect(read(issuer)).toEqual(rules);
  expect(read({ ...issuer, AUTH: 'on' })).toEqual(rules);
  const keys = { AUTH_JWKS_URL: 'http://127.0.0.1:1/keys', AUTH_AUDIENCE: 'a', AUTH_ALGORITHMS: 'ES256' };
  expect(read(keys)).toEqual({ jwksUrl: keys.AUTH_JWKS_URL, audience: 'a', algorithms: ['ES256'] });
});

test.each(['AUTH_ISSUER', 'AUTH_JWKS_URL', 'AUTH_AUDIENCE', 'AUTH_ALGORITHMS', 'SUBJECT_KEY'])(
  '%s, or a file of it, contradicts AUTH=off',
  (variable) => {
    const message = `${variable} is set, but AUTH is off: remove one of them`;
    expect(() => read({ AUTH: 'off', [variable]: 'https://login.example' })).toThrow(message);
    expect(() => read({ AUTH: 'off', [`${variable}_FILE`]: fileOf('https://login.example') })).toThrow(message);
    expect(read({ AUTH: 'off', [variable]: '' })).toBe('off');
  },
);

test('a key for pseudonyms is long, and a short one is not repeated', () => {
  const key = 'k'.repeat(32);
  expect(read({ ...issuer, SUBJECT_KEY: key })).toMatchObject({ subjectKey: key });
  expect(read({ ...issuer, SUBJECT_KEY_FILE: fileOf(`${key}\n`) })).toMatchObject({ subjectKey: key });
  expect(() => read({ ...issuer, SUBJECT_KEY_FILE: fileOf('') })).toThrow(
    'SUBJECT_KEY cannot be read from SUBJECT_KEY_FILE, which names an empty file',
  );
  const short = () => read({ ...issuer, SUBJECT_KEY: 'short-key' });
  expect(short).toThrow('SUBJECT_KEY must have at least 32 characters');
  expect(short).toThrow(/^(?!.*short-key)/);
});

test.each([
  [{ ...issuer, AUTH: 'off' }, 'AUTH_ISSUER is set, but AUTH is off'],
  [{ ...issuer, AUTH: 'no' }, 'AUTH must be one of on, off'],
  [{ AUTH_ISSUER: issuer.AUTH_ISSUER }, 'AUTH_AUDIENCE is missing'],
  [{ ...issuer, AUTH_ISSUER: 'http://login.example' }, 'AUTH_ISSUER must be an https:// address'],
  [{ ...issuer, AUTH_JWKS_URL: 'https://user:word@login.example' }, 'AUTH_JWKS_URL must be an https:// address'],
  [{ ...issuer, AUTH_ALGORITHMS: 'ES256,HS256' }, 'AUTH_ALGORITHMS must be some of'],
  [{ ...issuer, AUTH_ALGORITHMS: 'none' }, 'AUTH_ALGORITHMS must be some of'],
])('%o is refused', (env, message) => {
  expect(() => read(env)).toThrow(message);
});

test('the page signs in only where the issuer is described', () => {
  const clientOf = (env: Record<string, string>) => parseSettings({ pageClientId }, env).pageClientId;
  expect(clientOf(issuer)).toBe('');
  expect(clientOf({ ...issuer, AUTH_CLIENT_ID: 'page' })).toBe('page');
  expect(clientOf({ AUTH_ISSUER_FILE: fileOf(issuer.AUTH_ISSUER), AUTH_CLIENT_ID: 'page' })).toBe('page');
  for (const env of [{}, { AUTH: 'off' }, { AUTH_JWKS_URL: 'https://login.example/keys' }])
    expect(() => clientOf({ ...env, AUTH_CLIENT_ID: 'page' })).toThrow('AUTH_CLIENT_ID is set, but AUTH_ISSUER is not');
});
