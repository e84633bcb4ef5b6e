import { KafkaError } from '@catalogue/kafka';
import { expect, test } from 'vitest';
import { fromFirstFailure } from './sender.ts';

const event = (stream: string, version: number) => ({ stream, version });
const delivered = { partition: 0, offset: 0 };
const failed = { error: new KafkaError('away', { code: -195 }) };

test('the events of a product from its first failed one on are sent again, in order', () => {
  const events = [event('a', 1), event('b', 1), event('a', 2), event('c', 1), event('a', 3), event('b', 2)];
  const again = fromFirstFailure(events, [delivered, delivered, failed, delivered, delivered, failed]);
  expect(again).toEqual([event('a', 2), event('a', 3), event('b', 2)]);
});
