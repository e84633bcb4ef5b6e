import { expect, test, vi } from 'vitest';
import { api, broken, problem } from '../test/api.ts';
import { Catalogue, type StreamEvent, type StreamOptions } from './index.ts';

const created = (seq: number) => `event: product.created\nid: 1-${seq}\ndata: {"id":"p${seq}"}\n\n`;

/** A stream that sends these pieces, and then breaks, ends, or stays open until it is aborted. */
function sending(pieces: (string | Uint8Array)[], end: 'break' | 'end' | 'stay' = 'break') {
  return (_seen: unknown, signal: AbortSignal) => {
    const encoder = new TextEncoder();
    const waiting = [...pieces];
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        const piece = waiting.shift();
        if (piece !== undefined) controller.enqueue(typeof piece === 'string' ? encoder.encode(piece) : piece);
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

test('a lost stream resumes after the last event, whatever ended it, and reports both', async () => {
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

const lineEnds = { LF: '\n', CR: '\r', CRLF: '\r\n' };

test.each(Object.entries(lineEnds))(
  'a stream cut at any byte loses and repeats no event; lines end in %s',
  async (_, end) => {
    const blocks = [1, 2, 3, 4, 5].map((seq) => {
      // As query-api sends them: a heartbeat is a block with an id and without data.
      const rest = seq % 2 === 0 ? [': still here'] : ['event: product.created', `data: {"id":"ü${seq}\u{1f5b1}"}`];
      return [`id: 1-${seq}`, ...rest, '', ''].join(end);
    });
    const last = ['event: reset', 'data: {}', '', ''].join(end);
    const begin = ['\ufeffretry: 1', '', ''].join(end);
    const answer = (lastEventId: string | null) =>
      new TextEncoder().encode([begin, ...blocks.slice(Number(lastEventId?.slice(2))), last].join(''));
    const whole = answer('1-0');
    const takeCut = async (bytes: number) => {
      const fake = api(sending([whole.slice(0, bytes)]), (seen, signal) =>
        sending([answer(seen.header('last-event-id'))], 'stay')(seen, signal),
      );
      const events: string[] = [];
      const catalogue = new Catalogue({ commands: 'http://c', queries: 'http://q', fetch: fake.fetch });
      for await (const event of catalogue.stream({ lastEventId: '1-0' })) {
        if (event.type === 'reset') break;
        events.push(event.product.id);
      }
      return events.join(' ');
    };
    const taken = await Promise.all(Array.from(whole, (_byte, bytes) => takeCut(bytes)));
    expect(taken.flatMap((ids, bytes) => (ids === 'ü1🖱 ü3🖱 ü5🖱' ? [] : [`${bytes} bytes: ${ids}`]))).toEqual([]);
  },
);

test('a stream starts after the given event', async () => {
  const fake = api(sending([created(8)], 'stay'));
  await take(fake, 1, { lastEventId: '1-7' });
  expect(fake.seen[0]?.header('last-event-id')).toBe('1-7');
});

test('a stream resumes after an id that came without an event; without any id it reports a reset', async () => {
  const known = api(sending(['id: 1-5\n\n', ':\n\n']), sending([created(6)], 'stay'));
  expect(await take(known, 1)).toEqual(['product.created p6']);
  expect(known.seen[1]?.header('last-event-id')).toBe('1-5');
  const unknown = api(sending([':\n\n']), sending([created(6)], 'stay'));
  expect(await take(unknown, 2)).toEqual(['reset', 'product.created p6']);
});

test('the retry time that the server sets holds until it sets another', async () => {
  vi.useFakeTimers();
  const fake = api(sending(['retry: 60000\nid: 1-1\n\n']), broken, broken);
  const stop = new AbortController();
  const taken = take(fake, 1, { signal: stop.signal });
  await vi.advanceTimersByTimeAsync(130_000);
  expect(fake.seen).toHaveLength(3);
  stop.abort();
  await taken;
  const forever = api(sending(['retry: 99999999999\n\n']));
  const stopForever = new AbortController();
  const takenForever = take(forever, 1, { signal: stopForever.signal });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(forever.seen).toHaveLength(1);
  stopForever.abort();
  await takenForever;
  vi.useRealTimers();
});

test('a refused stream waits as long as Retry-After asks, at most five minutes', async () => {
  vi.useFakeTimers();
  const refused = (retryAfter: string) => problem(503, 'unavailable', { 'retry-after': retryAfter });
  const fake = api(refused('60'), refused('Fri, 31 Dec 9999 23:59:59 GMT'), broken);
  const stop = new AbortController();
  const taken = take(fake, 1, { signal: stop.signal });
  const asked: number[] = [];
  for (const seconds of [59, 2, 298, 1.01]) {
    await vi.advanceTimersByTimeAsync(seconds * 1_000);
    asked.push(fake.seen.length);
  }
  expect(asked).toEqual([1, 2, 2, 3]);
  stop.abort();
  await taken;
  vi.useRealTimers();
});

test('a stream passes on a reset, and skips an event of an unknown type', async () => {
  const fake = api(
    sending(['event: product.painted\nid: 1-1\ndata: {}\n\nevent: reset\nid: 2-0\ndata: {}\n\n'], 'stay'),
  );
  expect(await take(fake, 1)).toEqual(['reset']);
});

test('a stream ends when its signal is aborted, also while it reconnects', async () => {
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

test('a stream fails with an answer that a retry does not change', async () => {
  await expect(take(api(problem(404, 'not-found')), 1)).rejects.toMatchObject({ type: 'not-found' });
});

test('a truncated refusal does not count: the stream reconnects until its signal is aborted', async () => {
  vi.useFakeTimers();
  const refusal = (_seen: unknown, signal: AbortSignal) => {
    const start = (controller: ReadableStreamDefaultController) =>
      signal.addEventListener('abort', () => controller.error(signal.reason));
    return new Response(new ReadableStream({ start }), { status: 404 });
  };
  const fake = api(refusal, refusal);
  const stop = new AbortController();
  const taken = take(fake, 1, { signal: stop.signal });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(fake.seen).toHaveLength(2);
  stop.abort();
  expect(await taken).toEqual([]);
  vi.useRealTimers();
});

test('an answer that is not an event stream is refused', async () => {
  const shop = new Response('<h1>A shop</h1>', { headers: { 'content-type': 'text/html' } });
  await expect(take(api(shop), 1)).rejects.toMatchObject({ type: 'unknown', status: 200 });
});

test('after its signal is aborted, a stream hands out nothing more, not even events that have arrived', async () => {
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

test('a mistake in the program ends the stream, and does not count as a lost connection', async () => {
  const onConnection = vi.fn<() => void>().mockImplementationOnce(() => {
    throw new Error('told wrong');
  });
  await expect(take(api(sending([created(1)])), 1, { onConnection })).rejects.toThrow('told wrong');
  await expect(take(api(), 1, { lastEventId: 'a\nb' })).rejects.toThrow(TypeError);
  const garbled = 'event: product.created\nid: 1-1\ndata: {\n\n';
  await expect(take(api(sending([garbled])), 1)).rejects.toThrow('queries answered 200 without JSON');
});

test('a stream goes on after 408, and does not follow a redirect with an access token', async () => {
  const timedOut = new Response(null, { status: 408, headers: { 'retry-after': '0' } });
  const moved = new Response(null, { status: 302, headers: { location: 'https://login.example/' } });
  const fake = api(timedOut, moved);
  const options = { commands: 'http://c', queries: 'http://q', fetch: fake.fetch, token: async () => 'secret' };
  await expect(new Catalogue(options).stream().next()).rejects.toThrow(
    'queries answered 302 without JSON: is its address right?',
  );
});
