import { expect, test } from 'vitest';
import { requestIdOf, traceparentOf } from './trace.ts';

test('a caller’s request id is kept if it can be logged, otherwise replaced', () => {
  expect(requestIdOf({ 'x-request-id': 'order-17' })).toBe('order-17');
  for (const id of [undefined, '', 'a b', 'x'.repeat(129), 'a\u0001b', 'é']) {
    expect(requestIdOf(id === undefined ? {} : { 'x-request-id': id })).toMatch(/^[0-9a-f-]{36}$/);
  }
});

test('a caller’s trace is kept if it is well-formed, otherwise a new trace begins', () => {
  const given = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  expect(traceparentOf({ traceparent: given })).toBe(given);
  for (const wrong of ['', 'x', given.toUpperCase(), `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, `${given}-more`]) {
    const made = traceparentOf({ traceparent: wrong });
    expect(made).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(made).not.toBe(wrong);
  }
});
