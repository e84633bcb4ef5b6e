import type { StreamEvent } from '@catalogue/client';
import { expect, test } from 'vitest';
import { Listener, type News, Station } from './stream-news.ts';

const event = (eventId: string) => ({ type: 'product.updated', eventId, product: {} }) as StreamEvent;
const live: News = { type: 'state', state: 'live' };
const lost: News = { type: 'state', state: 'lost' };

/** A tab, and the news that it has heard. */
function tab() {
  const heard: string[] = [];
  const listener = new Listener({
    hear: ({ type, eventId }) => heard.push(type === 'reset' ? 'reset' : (eventId ?? '')),
    stateChanged: (state) => heard.push(state),
  });
  return { listener, heard, take: (news: readonly News[]) => news.forEach((item) => listener.take(item)) };
}

test('a tab that joins reloads once the stream is live: it may have missed changes', () => {
  const station = new Station(() => {});
  const { take, heard } = tab();
  take(station.greeting());
  take([live, { type: 'event', event: event('1-1') }]);
  expect(heard).toEqual(['live', 'reset', '1-1']);
});

test('a tab does not reload when the stream resumes after the tab’s last event', () => {
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

test('a tab reloads once when the stream resumes after another event', () => {
  const { take, heard } = tab();
  take([{ type: 'from', lastEventId: '1-1' }, live, { type: 'event', event: event('1-2') }]);
  take([{ type: 'from', lastEventId: '1-3' }, live, live, { type: 'beat' }]);
  expect(heard).toEqual(['live', 'reset', '1-2', 'reset']);
});
