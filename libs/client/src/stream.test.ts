import { expect, test, vi } from 'vitest';
import { api, broken, problem } from '../test/api.ts';
import { Catalogue, type StreamEvent, type StreamOptions } from './index.ts';

const created = (seq: number) => `event: product.created\nid: 1-${seq}\ndata: {"id":"p${seq}"}\n\n`;

/** A stream that sends these pieces, and then breaks, ends, or stays open until it is aborted. */
function sending(pieces: string[], end: 'break' | 'end' | 'stay' = 'break') {
  return (_seen: unknown, signal: AbortSignal) => {
    const encoder = new TextEncoder();
    const waiting = [...pieces];
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        const piece = waiting.shift();
        if (piece !== undefined) controller.enqueue(encoder.encode(piece));
        else if (end === 'break') controller.error(broken);
        else if (end === 'end') controller.close();
        else signal.addEventListener('abort', () => controller.error(signal.reason));
      },
    });
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
  };
}

async function take(fake: ReturnType<typeof api>, count: number, options: StreamOptions = {}) {
  const catalogue = new Catalogue({ commands: 'http://c', queries: 'http://q', fetch: fake.fetch });
  const events: StreamEvent[] = [];
  for await (const event of catalogue.stream(options)) if (events.push(event) === count) break;
  return events.map((event) => (event.type === 'reset' ? 'reset' : `${event.type} ${event.product.id}`));
}

test('a lost stream is taken up after the last event, whatever ended it, and says so', async () => {
  const fake = api(
    sending([created(1), 'event: product.upda']),
    broken,
    problem(503, 'unavailable'),
    sending([created(2)], 'end'),
    sending([created(3)], 'stay'),
  );
  const states: string[] = [];
  const events = await take(fake, 3, { onConnection: (state) => states.push(state) });
  expect(events).toEqual(['product.created p1', 'product.created p2', 'product.created p3']);
  expect(fake.seen.map(({ header }) => header('last-event-id'))).toEqual([null, '1-1', '1-1', '1-1', '1-2']);
  expect(states).toEqual(['live', 'lost', 'live', 'lost', 'live']);
});

test('it begins after the event that is given', async () => {
  const fake = api(sending([created(8)], 'stay'));
  await take(fake, 1, { lastEventId: '1-7' });
  expect(fake.seen[0]?.header('last-event-id')).toBe('1-7');
});

test('an id that came without an event counts; without any, what was missed is not known', async () => {
  const known = api(sending(['id: 1-5\n\n', ':\n\n']), sending([created(6)], 'stay'));
  expect(await take(known, 1)).toEqual(['product.created p6']);
  expect(known.seen[1]?.header('last-event-id')).toBe('1-5');
  const unknown = api(sending([':\n\n']), sending([created(6)], 'stay'));
  expect(await take(unknown, 2)).toEqual(['reset', 'product.created p6']);
});

test('a reset is passed on, and an event of a kind that is not known is not', async () => {
  const fake = api(
    sending(['event: product.painted\nid: 1-1\ndata: {}\n\nevent: reset\nid: 2-0\ndata: {}\n\n'], 'stay'),
  );
  expect(await take(fake, 1)).toEqual(['reset']);
});

test('it ends when its signal is aborted, also while it is being sought', async () => {
  const stop = new AbortController();
  const open = api(sending([created(1)], 'stay'));
  const sought = api(broken, broken);
  const ends = Promise.all([take(open, 9, { signal: stop.signal }), take(sought, 9, { signal: stop.signal })]);
  setTimeout(() => stop.abort(), 30);
  expect(await ends).toEqual([['product.created p1'], []]);
});

test('leaving the loop closes the connection', async () => {
  let closed = false;
  const fake = api((seen, signal) => {
    signal.addEventListener('abort', () => (closed = true));
    return sending([created(1)], 'stay')(seen, signal);
  });
  await take(fake, 1);
  expect(closed).toBe(true);
});

test('an answer that trying again does not change ends it with that', async () => {
  await expect(take(api(problem(404, 'not-found')), 1)).rejects.toMatchObject({ type: 'not-found' });
});

test('what something else answers instead of a stream is no stream without events', async () => {
  const shop = new Response('<h1>A shop</h1>', { headers: { 'content-type': 'text/html' } });
  await expect(take(api(shop), 1)).rejects.toMatchObject({ type: 'unknown', status: 200 });
});

test('after the signal nothing more is handed out, also not what had come already', async () => {
  const stop = new AbortController();
  const fake = api(sending([created(1) + created(2)], 'stay'));
  const catalogue = new Catalogue({ commands: 'http://c', queries: 'http://q', fetch: fake.fetch });
  let events = 0;
  for await (const _ of catalogue.stream({ signal: stop.signal })) {
    events += 1;
    stop.abort();
  }
  expect(events).toBe(1);
});

test('mistakes of the program end it, and are not taken for a lost connection', async () => {
  const onConnection = vi.fn<() => void>().mockImplementationOnce(() => {
    throw new Error('told wrong');
  });
  await expect(take(api(sending([created(1)])), 1, { onConnection })).rejects.toThrow('told wrong');
  await expect(take(api(), 1, { lastEventId: 'a\nb' })).rejects.toThrow(TypeError);
  const garbled = 'event: product.created\nid: 1-1\ndata: {\n\n';
  await expect(take(api(sending([garbled])), 1)).rejects.toThrow(SyntaxError);
});
