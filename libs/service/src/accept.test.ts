import type { FastifyRequest } from 'fastify';
import { expect, test } from 'vitest';
import { requireAcceptable } from './accept.ts';

const accepts = (accept: string | undefined) => () =>
  requireAcceptable({ headers: { accept } } as unknown as FastifyRequest, ['application/json']);

test.each([
  undefined,
  '',
  '*/*',
  'application/json',
  'text/html, application/*;q=0.5',
  'APPLICATION/JSON; charset=utf-8',
  '*/*;q=0, application/json',
  'text/html, application/*;q=0, application/json;q=0.1',
  'application/xml;q=0, */*',
])('JSON is sent to who accepts %s', (accept) => {
  expect(accepts(accept)).not.toThrow();
});

test.each([
  'text/html',
  'application/xml, text/*',
  'application/json;q=0',
  'application/json; q=0.000',
  'application/json;q=0, */*',
  'application/json;q=0, application/*',
  '*/*, application/*;q=0',
  'json',
])('and not to who accepts %s', (accept) => {
  expect(accepts(accept)).toThrow('application/json');
});
