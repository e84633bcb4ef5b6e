import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createAuthority } from '@catalogue/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { fileOf } from '../test/file-of.ts';
import { parseSettings } from './settings.ts';
import { type Certificate, tls } from './tls-settings.ts';

let own: Certificate;
let other: Certificate;
/** With the certificate of the authority that issued it. */
let chain: Certificate;

beforeAll(async () => {
  const authority = await createAuthority();
  const department = await authority.delegate();
  [own, other] = await Promise.all([authority.issue(), authority.issue()]);
  const issued = await department.issue();
  chain = { ...issued, cert: `${issued.cert}\n${department.cert}` };
});

const read = (env: Record<string, string>) => parseSettings({ tls }, env).tls;
const faultOf = (env: Record<string, string>) => {
  try {
    read(env);
  } catch (error) {
    return (error as Error).message;
  }
  return undefined;
};

test('without a certificate there is no TLS, and texts are taken as they are', () => {
  expect(read({})).toBeUndefined();
  expect(read({ TLS_CERT: own.cert, TLS_KEY: own.key })).toEqual({ cert: own.cert.trim(), key: own.key.trim() });
});

test('files are read again, also where only one of the two texts is in a file', () => {
  const [cert, key] = [fileOf(own.cert), fileOf(own.key)];
  const both = read({ TLS_CERT_FILE: cert, TLS_KEY_FILE: key });
  expect(both?.reread?.()).toEqual({ cert: own.cert.trim(), key: own.key.trim() });
  writeFileSync(cert, other.cert);
  expect(() => both?.reread?.()).toThrow('TLS_CERT does not fit TLS_KEY');
  writeFileSync(key, other.key);
  expect(both?.reread?.()).toEqual({ cert: other.cert.trim(), key: other.key.trim() });
  expect(read({ TLS_CERT: other.cert, TLS_KEY_FILE: key })?.reread).toBeDefined();
});

test('a chain of certificates is taken if it begins with that of the key', () => {
  expect(read({ TLS_CERT: chain.cert, TLS_KEY: chain.key })?.cert).toBe(chain.cert.trim());
  const [first = '', second = ''] = chain.cert.split(/(?<=-----END CERTIFICATE-----)\s+/);
  expect(faultOf({ TLS_CERT: `${second}\n${first}`, TLS_KEY: chain.key })).toMatch(
    /^TLS_CERT does not fit TLS_KEY: the first certificate must be that of the key; for example TLS_CERT=/,
  );
});

describe('a certificate that TLS cannot use is refused in one line that repeats nothing of the key', () => {
  const secretsOf = (key: string) => key.split('\n').filter((line) => /^[A-Za-z0-9+/=]{10,}$/.test(line));
  const encrypted = () =>
    createPrivateKey(own.key).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' });
  const rsa = () =>
    generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });

  test.each<[string, () => Record<string, string>, string]>([
    ['no key', () => ({ TLS_CERT: own.cert }), 'TLS_KEY is missing'],
    ['no certificate', () => ({ TLS_KEY: own.key }), 'TLS_CERT is missing, and TLS_KEY is set: set both or neither'],
    ['another’s key', () => ({ TLS_CERT: own.cert, TLS_KEY: other.key }), 'TLS_CERT does not fit TLS_KEY'],
    ['a key of another kind', () => ({ TLS_CERT: own.cert, TLS_KEY: String(rsa()) }), 'TLS_CERT does not fit TLS_KEY'],
    ['an encrypted key', () => ({ TLS_CERT: own.cert, TLS_KEY: String(encrypted()) }), 'TLS_KEY is encrypted'],
    ['the two swapped', () => ({ TLS_CERT: own.key, TLS_KEY: own.cert }), 'TLS_CERT must be text in PEM format'],
    [
      'a key that is not in PEM format',
      () => ({ TLS_CERT: own.cert, TLS_KEY: 'x' }),
      'TLS_KEY must be text in PEM format',
    ],
    [
      'half a key',
      () => ({ TLS_CERT: own.cert, TLS_KEY: own.key.slice(0, 100) }),
      'TLS_KEY must be text in PEM format',
    ],
    [
      'a broken chain',
      () => ({ TLS_CERT: `${own.cert}\n${own.cert.replace(/^[A-Za-z0-9+/=]+$/m, 'AAAA')}`, TLS_KEY: own.key }),
      'TLS_CERT cannot be used by TLS (',
    ],
    ['a path in place of a text', () => ({ TLS_CERT: '/tls.crt', TLS_KEY: own.key }), 'TLS_CERT must be text in PEM'],
    [
      'a file that does not exist',
      () => ({ TLS_CERT_FILE: '/nowhere/tls.crt', TLS_KEY: own.key }),
      'TLS_CERT cannot be read from TLS_CERT_FILE (ENOENT',
    ],
    [
      'an empty file of a key',
      () => ({ TLS_CERT: own.cert, TLS_KEY_FILE: fileOf('\n') }),
      'TLS_KEY cannot be read from TLS_KEY_FILE, which names an empty file',
    ],
  ])('%s', (_, envOf, message) => {
    const env = envOf();
    const fault = faultOf(env);
    expect(fault?.split('\n')).toHaveLength(1);
    expect(fault).toMatch(new RegExp(`^${RegExp.escape(message)}`));
    for (const secret of [own.key, other.key, ...Object.values(env)].flatMap(secretsOf))
      expect(fault).not.toContain(secret);
  });
});

test('a certificate that is not valid now is used, with a warning', async () => {
  const day = 86_400_000;
  const authority = await createAuthority();
  const expired = await authority.issue('127.0.0.1', {
    notBeforeDate: new Date(Date.now() - 2 * day),
    notAfterDate: new Date(Date.now() - day),
  });
  const early = await authority.issue('127.0.0.1', { notBeforeDate: new Date(Date.now() + day) });
  const warningOf = ({ cert, key }: Certificate) => {
    const env = { TLS_CERT: cert, TLS_KEY: key };
    expect(read(env)).toBeDefined();
    return tls.warning?.(env);
  };
  expect(warningOf(expired)).toMatch(/^expired at 20.*Z: clients will refuse it$/);
  expect(warningOf(early)).toMatch(/^is not valid before 20.*Z: clients will refuse it$/);
  expect(warningOf(own)).toBeUndefined();
});
