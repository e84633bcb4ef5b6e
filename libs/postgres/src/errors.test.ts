import { describe, expect, test } from 'vitest';
import { isConnectionLost, isRefusedStatement, isTransient } from './errors.ts';

describe('an error that a retry can outlast is transient', () => {
  test.each(['ECONNREFUSED', 'CONNECTION_CLOSED', '08006', '57P01', '57P03', '40001', '40P01', '53300', '57014'])(
    '%s',
    (code) => expect(isTransient({ code })).toBe(true),
  );
});

describe('an error that every retry repeats is not transient', () => {
  test.each(['23505', '42601', '22P02', '42P01', 'ERR_INVALID_ARG_TYPE'])('%s', (code) => {
    expect(isTransient({ code })).toBe(false);
  });
  test.each([new Error('no code'), null, undefined, 'text', { code: 5 }])('%s', (error) => {
    expect(isTransient(error)).toBe(false);
  });
});

test.each(['28P01', '28000', '3D000', '42501', '53300', '55000', '25P03'])(
  'an error that ends the session counts as a lost connection, whatever its code (%s)',
  (code) => {
    const error = { code, severity: 'FATAL' };
    expect(isConnectionLost(error)).toBe(true);
    expect(isTransient(error)).toBe(true);
    expect(isRefusedStatement(error)).toBe(false);
  },
);

test.each(['42501', '55000'])('an error with such a code that fails only a statement (%s) is not transient', (code) => {
  expect(isTransient({ code, severity: 'ERROR' })).toBe(false);
});

const codesOfTheWay = [
  'CONNECTION_CLOSED',
  'CONNECT_TIMEOUT',
  'ECONNRESET',
  'EPIPE', // as long as an SQLSTATE
  'ENETUNREACH',
  'EPROTO',
  'EADDRNOTAVAIL',
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SASL_SIGNATURE_MISMATCH',
];

test('a statement’s error counts as a lost connection, whatever its code, unless the statement was never sent', () => {
  expect(isConnectionLost({ code: 'HPE_NEVER_HEARD_OF', query: 'select 1' })).toBe(true);
  expect(isConnectionLost({ code: 'UNDEFINED_VALUE', query: 'select 1' })).toBe(false);
  // Errors without a statement: of the HTTP server, and of an aborted wait.
  expect(isConnectionLost({ code: 'FST_ERR_VALIDATION' })).toBe(false);
  expect(isConnectionLost({ code: 'ABORT_ERR' })).toBe(false);
});

describe('an error of the connection to PostgreSQL leaves the outcome unknown, and is transient', () => {
  test.each([...codesOfTheWay, '08006', '57P01'])('%s', (code) => {
    expect(isConnectionLost({ code })).toBe(true);
    expect(isTransient({ code })).toBe(true);
    expect(isRefusedStatement({ code })).toBe(false);
  });
});

test.each(['40P01', '23505', '25006', '57014'])(
  'the outcome is known after %s, which PostgreSQL itself answers',
  (code) => {
    expect(isConnectionLost({ code })).toBe(false);
    expect(isRefusedStatement({ code })).toBe(true);
  },
);

test.each(['ERR_INVALID_ARG_TYPE', 'UNDEFINED_VALUE', undefined])(
  'a fault of the calling code (%s) is neither a lost connection nor an answer of PostgreSQL',
  (code) => {
    expect(isConnectionLost({ code })).toBe(false);
    expect(isTransient({ code })).toBe(false);
    expect(isRefusedStatement({ code })).toBe(false);
  },
);
