import type { Admin } from '@catalogue/kafka';
import { expect, test } from 'vitest';
import { readTopic } from './topic.ts';

test('a topic that does not exist is named with the setting of its service', async () => {
  const admin = { describeTopic: async () => undefined } as unknown as Admin;
  const reading = readTopic({ admin, topic: 'evnets', topicVariable: 'EVENTS_TOPIC' });
  await expect(reading).rejects.toThrow('Topic evnets does not exist: is EVENTS_TOPIC right?');
});
