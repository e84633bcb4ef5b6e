import { expect, test } from 'vitest';
import { formatStepId, parseStepId } from './step-id.ts';

const promotion = '019d2f10-6f29-7d11-9c0b-7e6d5c4b3a29';
const step = { promotion, product: '019d2f10-0000-7d11-9c0b-7e6d5c4b3a29', phase: 'apply', version: 7 } as const;

test('a step is read as it is written', () => {
  expect(parseStepId(formatStepId(step))).toEqual(step);
  expect(parseStepId(formatStepId({ ...step, product: 'a/b', phase: 'give-back' }))).toEqual({
    ...step,
    product: 'a/b',
    phase: 'give-back',
  });
});

test.each([
  undefined,
  '',
  'order-17',
  `${promotion}/mouse/sell/1`,
  `${promotion}/mouse/apply/`,
  `${promotion}/mouse/apply/-1`,
  `${promotion}/mouse/apply/1 `,
  `${promotion}/mouse/apply/12345678901`,
  `${promotion}//apply/1`,
  `${promotion}/${'x'.repeat(65)}/apply/1`,
  `${promotion.toUpperCase()}/mouse/apply/1`,
  ` ${promotion}/mouse/apply/1`,
  `${promotion}/mouse/apply/1/apply`,
])('%j names no step', (id) => {
  expect(parseStepId(id)).toBeUndefined();
});
