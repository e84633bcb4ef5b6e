import type { FastifyRequest } from '@catalogue/service';
import { expect, test } from 'vitest';
import { idempotencyKeyOf } from './idempotency-key.ts';

// Made by the release before. With another fingerprint, a command that is sent again during an upgrade would be refused (422).
test('a request has the same fingerprint as in the release before', () => {
  const request = {
    subject: '',
    method: 'PATCH',
    url: '/products/019D2F10-6f29-7d11-9c0b-7e6d5c4b3a29?x=1',
    body: { price: 34.5, name: 'Mouse' },
    headers: { 'idempotency-key': 'order-17', 'if-match': '"3"' },
    raw: { rawHeaders: ['Idempotency-Key', 'order-17'] },
  };
  expect(idempotencyKeyOf(request as unknown as FastifyRequest)).toEqual({
    subject: '',
    key: 'order-17',
    fingerprint: 'df6b5217-8ea6-1d0f-bbd7-f9f354f29647',
  });
});
