import type { StreamEvent } from '@catalogue/client';
import { expect, test } from 'vitest';
import { Listener, type News, Station } from './stream-news.ts';

const event = (eventId: string) => ({ type: 'product.updated', eventId, product: {} }) as StreamEvent;
const live: News = { type: 'state', state: 'live' };
const lost: News = { type: 'state', state: 'lost' };

/** A tab, and what it has heard. */
function tab() {
  const heard: string[] = [];
  const listener = new Listener({
    hear: ({ type, eventId }) => heard.push(type === 'reset' ? 'reset' : (eventId ?? '')),
    stateChanged: (state) => heard.push(state),
  });
  return { listener, heard, take: (news: readonly News[]) => news.forEach((item) => listener.take(item)) };
}

test('a tab that joins loads again once the stream is live, for changes may have come before', () => {
  const station = new Station(() => {});
  const { take, heard } = tab();
  take(station.greeting());
  take([live, { type: 'event', event: event('1-1') }]);
  expect(heard).toEqual(['live', 'reset', '1-1']);
});

test('a tab that heard the last event misses nothing when the stream goes on from there', () => {
  const station = new Station(() => {});
  const { take, heard, listener } = tab();
  take([{ type: 'from', lastEventId: '1-1' }, live]);
  const next: News = { type: 'event', event: event('1-2') };
  station.tell(live);
  station.tell(next);
  take([next, lost, ...station.greeting()]);
  expect(heard).toEqual(['live', 'reset', '1-2', 'lost', 'live']);
  expect(listener.lastEventId).toBe('1-2');
});

test('a tab that heard another event last loads again, once', () => {
  const { take, heard } = tab();
  take([{ type: 'from', lastEventId: '1-1' }, live, { type: 'event', event: event('1-2') }]);
  take([{ type: 'from', lastEventId: '1-3' }, live, live, { type: 'beat' }]);
  expect(heard).toEqual(['live', 'reset', '1-2', 'reset']);
});
