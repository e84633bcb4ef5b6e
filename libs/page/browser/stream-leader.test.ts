import { Catalogue, type StreamEvent } from '@catalogue/client';
import { expect, test } from 'vitest';
import { leadOrFollow } from './stream-leader.ts';
import { Listener } from './stream-news.ts';

test('a tab that joins between an event and the greeting reloads', async () => {
  const name = 'stream of the test';
  const over = new AbortController();
  const event = (eventId: string) => ({ type: 'product.updated', eventId, product: {} }) as StreamEvent;
  const heard: unknown[] = [];
  const listener = new Listener({
    hear: ({ type, eventId }) => heard.push(eventId ?? type),
    stateChanged: (state) => heard.push(state),
  });
  listener.take({ type: 'event', event: event('1-5') });
  const leader = new BroadcastChannel(name);
  leader.addEventListener('message', ({ data }: MessageEvent<{ type: string; tab: string }>) => {
    if (data.type !== 'hello') return;
    const news = [
      { type: 'from', lastEventId: '1-9' },
      { type: 'state', state: 'live' },
    ];
    for (const message of [
      { type: 'event', event: event('1-9') },
      { type: 'greeting', tab: data.tab, news },
    ]) {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- A channel has no target: it is of one origin.
      leader.postMessage(message);
    }
  });
  await navigator.locks.request(name, async () => {
    const following = leadOrFollow({
      catalogue: new Catalogue({ commands: 'http://localhost', queries: 'http://localhost' }),
      name,
      listener,
      signal: over.signal,
    });
    await expect.poll(() => heard).toEqual(['1-5', 'live', 'reset']);
    over.abort();
    await following;
    leader.close();
  });
});
