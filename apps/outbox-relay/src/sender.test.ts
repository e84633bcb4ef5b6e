import { KafkaError } from '@catalogue/kafka';
import { expect, test } from 'vitest';
import { fromFirstFailure } from './sender.ts';

const message = (key: string, value: string) => ({ key, value: Buffer.from(value), headers: {} });
const delivered = { partition: 0, offset: 0 };
const failed = { error: new KafkaError('away', { code: -195 }) };

test('of each product, everything from its first failed event is sent again, in order', () => {
  const messages = [
    message('a', '1'),
    message('b', '1'),
    message('a', '2'),
    message('c', '1'),
    message('a', '3'),
    message('b', '2'),
  ];
  const again = fromFirstFailure(messages, [delivered, delivered, failed, delivered, delivered, failed]);
  expect(again.map(({ key, value }) => `${key}${value.toString()}`)).toEqual(['a2', 'a3', 'b2']);
});
