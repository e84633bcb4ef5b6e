import { expect, test } from 'vitest';
import { limits } from './limit-settings.ts';
import { parseSettings } from './settings.ts';

const read = (env: Record<string, string>) => parseSettings({ limits }, env).limits;

test('without settings nothing is limited, and no proxy is trusted', () => {
  expect(read({})).toEqual({ proxies: [] });
});

test('each limit may be set without the others', () => {
  expect(read({ RATE_LIMIT: '50' })).toEqual({ perSecond: 50, proxies: [] });
  expect(read({ CONCURRENCY_LIMIT: '20' })).toEqual({ underWay: 20, proxies: [] });
  const proxies = ['10.0.0.0/8', '::1', '192.0.2.7'];
  expect(read({ TRUST_PROXY: proxies.join(', ') })).toEqual({ proxies });
});

test.each([
  [{ RATE_LIMIT: '0' }, 'RATE_LIMIT must be a whole number from 1 to 100000, not "0"; for example RATE_LIMIT=100'],
  [{ RATE_LIMIT: 'many' }, 'RATE_LIMIT must be a whole number'],
  [{ CONCURRENCY_LIMIT: '0' }, 'CONCURRENCY_LIMIT must be a whole number from 1'],
  [{ TRUST_PROXY: 'true' }, 'TRUST_PROXY must be addresses or networks like 10.0.0.0/8, not "true"'],
  [{ TRUST_PROXY: '10.0.0.0/33' }, 'not "10.0.0.0/33"'],
  [{ TRUST_PROXY: '10.0.0.0/8,' }, 'not ""'],
  [{ TRUST_PROXY: '10.0.0.0/' }, 'not "10.0.0.0/"'],
  [{ TRUST_PROXY: '0.0.0.0/0' }, 'TRUST_PROXY must not trust every address, as "0.0.0.0/0" does'],
  [{ TRUST_PROXY: '10.0.0.0/8, ::/00' }, 'TRUST_PROXY must not trust every address, as "::/00" does'],
])('%o is refused', (env, message) => {
  expect(() => read(env)).toThrow(message);
});
