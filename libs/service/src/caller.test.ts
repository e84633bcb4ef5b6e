import { expect, test } from 'vitest';
import { callerOf } from './caller.ts';

const socket = { remoteAddress: '203.0.113.5' };

test.each([
  ['192.0.2.7', 'address 192.0.2.7'],
  ['::ffff:192.0.2.7', 'address 192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', 'address 2001:db8:1:2'],
  ['2001:db8:1:2::6', 'address 2001:db8:1:2'],
  ['2001:0db8:0001:2:ffff::', 'address 2001:db8:1:2'],
  ['2001:db8::6', 'address 2001:db8:0:0'],
  ['fe80::1%eth0', 'address fe80:0:0:0'],
  ['::1', 'address 0:0:0:0'],
  ['::', 'address 0:0:0:0'],
])('without a token, %s counts as %s', (ip, caller) => {
  expect(callerOf({ ip, subject: '', socket })).toBe(caller);
});

test.each([
  ['192.0.2.7:50123', 'address 192.0.2.7'],
  ['[2001:db8:1:2::6]:50123', 'address 2001:db8:1:2'],
  ['[2001:db8:1:2::6]', 'address 2001:db8:1:2'],
  ['[::ffff:192.0.2.7]:50123', 'address 192.0.2.7'],
])('the port of a connection makes no new caller: %s counts as %s', (ip, caller) => {
  expect(callerOf({ ip, subject: '', socket })).toBe(caller);
});

test.each(['unknown', '_hidden', '', '192.0.2.7:', '[192.0.2.7', '2001:db8::6::1'])(
  'what is no address counts as the proxy that wrote it: %j',
  (ip) => {
    expect(callerOf({ ip, subject: '', socket })).toBe('address 203.0.113.5');
  },
);

test('a subject counts by itself, and cannot pass for an address', () => {
  expect(callerOf({ ip: '192.0.2.7', subject: 'shop', socket })).toBe('subject shop');
  expect(callerOf({ ip: '::1', subject: '192.0.2.7', socket })).toBe('subject 192.0.2.7');
});
