import { createAuthority } from '@catalogue/testing';
import { expect, test, vi } from 'vitest';
import { fileOf } from '../test/file-of.ts';
import { kafkaBrokers } from './kafka-settings.ts';
import { parseSettings, readSettings } from './settings.ts';

const read = (env: Record<string, string>) =>
  parseSettings({ brokers: kafkaBrokers }, { KAFKA_BROKER: 'a:9092', ...env });
const sasl = {
  KAFKA_SECURITY_PROTOCOL: 'SASL_SSL',
  KAFKA_SASL_MECHANISM: 'SCRAM-SHA-256',
  KAFKA_SASL_USERNAME: 'relay',
  KAFKA_SASL_PASSWORD: 'secret',
};

test.each(['a:9092', 'a.example:1, b.example:65535', '127.0.0.1:9092', '[::1]:9092', '[2001:DB8::1]:9092'])(
  '%s are brokers',
  (text) => {
    expect(read({ KAFKA_BROKER: text })).toEqual({ brokers: text });
  },
);

test.each(['a', 'a:', ':9092', 'a:65536', '::1:9092', '[::1]', '[a b]:9092', '[]:9092', 'a:1,,b:1', 'http://a:9092'])(
  '%s are no brokers',
  (text) => {
    expect(() => read({ KAFKA_BROKER: text })).toThrow('KAFKA_BROKER must be host:port, separated by commas');
  },
);

test('without a protocol, brokers are plain text', () => {
  expect(read({})).toEqual({ brokers: 'a:9092' });
  expect(read({ KAFKA_SECURITY_PROTOCOL: 'PLAINTEXT' })).toEqual({ brokers: 'a:9092' });
});

test('SASL_SSL has a user, and trusts the given authority', async () => {
  const { cert } = await createAuthority();
  expect(read({ ...sasl, KAFKA_SSL_CA: cert })).toEqual({
    brokers: {
      servers: 'a:9092',
      security: {
        protocol: 'SASL_SSL',
        tls: { ca: cert.trim() },
        sasl: { mechanism: 'SCRAM-SHA-256', username: 'relay', password: 'secret' },
      },
    },
  });
});

test('a client’s certificate comes with its key', async () => {
  const { cert, key } = await (await createAuthority()).issue();
  const { brokers } = read({ KAFKA_SECURITY_PROTOCOL: 'SSL', KAFKA_SSL_CERT: cert, KAFKA_SSL_KEY: key });
  expect(brokers).toMatchObject({ security: { tls: { cert: cert.trim(), key: key.trim() } } });
  expect(() => read({ KAFKA_SECURITY_PROTOCOL: 'SSL', KAFKA_SSL_CERT: cert })).toThrow('KAFKA_SSL_KEY is missing');
});

test('a secret can come from a file', () => {
  const { KAFKA_SASL_PASSWORD: password, ...others } = sasl;
  const passwordFile = fileOf(`${password}\n`);
  const { brokers } = read({ ...others, KAFKA_SASL_PASSWORD_FILE: passwordFile });
  expect(brokers).toMatchObject({ security: { sasl: { password, passwordFile } } });
});

test('a secret in a variable and in a file, or in a file that cannot be read, is refused', () => {
  expect(() => read({ ...sasl, KAFKA_SASL_PASSWORD_FILE: fileOf('other') })).toThrow(
    'KAFKA_SASL_PASSWORD is set, and KAFKA_SASL_PASSWORD_FILE as well',
  );
  expect(() => read({ KAFKA_BROKER: '', KAFKA_BROKER_FILE: '/nowhere' })).toThrow(
    'KAFKA_BROKER cannot be read from KAFKA_BROKER_FILE (ENOENT',
  );
});

test('a start warns of a password that is sent in clear text, and of no other', () => {
  const warningOf = (KAFKA_SECURITY_PROTOCOL: string, KAFKA_SASL_MECHANISM: string) => {
    const written: unknown[] = [];
    const spy = vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(text) > 0);
    const tokens = KAFKA_SASL_MECHANISM === 'OAUTHBEARER' ? { KAFKA_SASL_TOKEN_URL: 'https://a.example/token' } : {};
    const env = { ...sasl, ...tokens, KAFKA_BROKER: 'a:9092', KAFKA_SECURITY_PROTOCOL, KAFKA_SASL_MECHANISM };
    readSettings({ brokers: kafkaBrokers }, env);
    spy.mockRestore();
    return written.join('');
  };
  expect(warningOf('SASL_PLAINTEXT', 'PLAIN')).toMatch(/^KAFKA_BROKER gets the password in clear text: .*\n$/);
  expect(warningOf('SASL_PLAINTEXT', 'OAUTHBEARER')).toMatch(/^KAFKA_BROKER gets the token in clear text: .*\n$/);
  expect(warningOf('SASL_PLAINTEXT', 'SCRAM-SHA-512')).toBe('');
  expect(warningOf('SASL_SSL', 'PLAIN')).toBe('');
});

test.each([
  [{ ...sasl, KAFKA_SASL_USERNAME: '' }, 'KAFKA_SASL_USERNAME is missing'],
  [{ ...sasl, KAFKA_SECURITY_PROTOCOL: '' }, 'KAFKA_SASL_PASSWORD is ignored under KAFKA_SECURITY_PROTOCOL=PLAINTEXT'],
  [{ ...sasl, KAFKA_SECURITY_PROTOCOL: 'SASL' }, 'KAFKA_SECURITY_PROTOCOL must be one of PLAINTEXT, SSL'],
  [{ ...sasl, KAFKA_SASL_MECHANISM: 'GSSAPI' }, 'KAFKA_SASL_MECHANISM must be one of PLAIN, SCRAM'],
  [
    { ...sasl, KAFKA_SASL_TOKEN_URL: 'https://a.example' },
    'KAFKA_SASL_TOKEN_URL is ignored under KAFKA_SASL_MECHANISM=SCRAM-SHA-256',
  ],
  [{ ...sasl, KAFKA_SASL_MECHANISM: 'OAUTHBEARER' }, 'KAFKA_SASL_TOKEN_URL is missing'],
  [
    { ...sasl, KAFKA_SASL_MECHANISM: 'OAUTHBEARER', KAFKA_SASL_TOKEN_URL: 'http://a.example/token' },
    'KAFKA_SASL_TOKEN_URL must be an https:// address',
  ],
  [{ ...sasl, KAFKA_SSL_CA: 'secret text' }, 'KAFKA_SSL_CA must be text in PEM format'],
])('a setting that would be ignored or is malformed is refused: %o', (env, message) => {
  expect(() => read(env)).toThrow(message);
  expect(() => read(env)).not.toThrow(/secret text|not "secret"/);
});
