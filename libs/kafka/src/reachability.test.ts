import type { MetadataOptions } from '@confluentinc/kafka-javascript';
import { expect, test, vi } from 'vitest';
import type { AnyClient } from './client.ts';
import { Reachability } from './reachability.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };

test('a client is asked for its own topic only, so that the broker creates no other topic it has heard of', async () => {
  const asked: MetadataOptions[] = [];
  const client = {
    isConnected: () => true,
    // While no broker can be reached it is asked every 500 ms.
    on: (event: string, listener: (error: Error) => void) => {
      if (event === 'event.error') listener(new Error('all broker connections are down'));
    },
    getMetadata: (options: MetadataOptions, done: (error: null, metadata: object) => void) => {
      asked.push(options);
      done(null, {});
    },
  };
  const options = { brokers: '127.0.0.1:1', clientId: 'test', log };
  const reachability = new Reachability(
    client as unknown as AnyClient,
    options,
    () => 'events',
    () => {},
  );
  await vi.waitFor(() => expect(asked).toHaveLength(1), 60_000);
  reachability.close();
  expect(asked[0]).toMatchObject({ allTopics: false, topic: 'events' });
});
