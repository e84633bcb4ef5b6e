import type { Connection } from './connection.ts';
import { EventStreamParser, type SentEvent } from './event-stream.ts';
import { backoff, pause } from './pause.ts';
import { CatalogueProblem } from './problem.ts';
import type { Product, StreamEvent } from './product.ts';
import { retryAfterOf } from './retry-after.ts';

export interface StreamOptions {
  /** Goes on after this event instead of beginning now. */
  lastEventId?: string | undefined;
  /** Ends the stream. */
  signal?: AbortSignal | undefined;
  /** Told whenever the stream is there (`live`), and when it is lost and being sought again (`lost`). */
  onConnection?: ((state: 'live' | 'lost') => void) | undefined;
}

/** Without a byte for so long, the connection is taken for dead: query-api sends something at least every 15 s. */
const longestSilence = 40_000;

/**
 * The changes of products from now on, or after `lastEventId`, until the signal is aborted or the loop is left. A lost
 * connection is made again, for ever, and taken up where it broke off.
 * @throws {CatalogueProblem} for an answer that trying again does not change.
 */
export async function* streamFrom(connection: Connection, options: StreamOptions): AsyncGenerator<StreamEvent> {
  const { signal } = options;
  const tell = teller(options.onConnection);
  let { lastEventId } = options;
  let failures = 0;
  let retryMs = 0;
  let retryAfterMs = 0;
  let wasLive = false;
  for (;;) {
    if (signal?.aborted) return;
    const attempt = new AbortController();
    const abort = () => attempt.abort();
    signal?.addEventListener('abort', abort);
    const parser = new EventStreamParser(lastEventId);
    try {
      const opened = await open(connection, lastEventId, attempt);
      const pieces = typeof opened === 'number' ? undefined : opened;
      retryAfterMs = typeof opened === 'number' ? opened : 0;
      if (pieces !== undefined) tell('live');
      // Nothing tells where to go on from: what happened since the connection was lost is not known.
      if (pieces !== undefined && wasLive && lastEventId === undefined) yield { type: 'reset', eventId: undefined };
      wasLive ||= pieces !== undefined;
      for await (const text of pieces ?? []) {
        failures = 0;
        for (const sent of parser.push(text)) {
          // Before it is handed out: should the consumer leave now, nothing is left to do.
          lastEventId = sent.lastEventId;
          const event = understood(sent);
          if (event !== undefined) yield event;
          // What came in one piece with it is not wanted any more.
          if (signal?.aborted) return;
        }
        lastEventId = parser.lastEventId;
        retryMs = parser.retry ?? retryMs;
      }
    } finally {
      signal?.removeEventListener('abort', abort);
      attempt.abort();
    }
    if (signal?.aborted) return;
    tell('lost');
    failures += 1;
    await pause(Math.max(backoff(failures), retryMs, retryAfterMs), signal).catch(() => {}); // Aborted: the loop ends.
  }
}

/** Passes on what is news. */
function teller(onConnection: StreamOptions['onConnection']) {
  let last: 'live' | 'lost' | undefined;
  return (state: 'live' | 'lost') => {
    if (state !== last) onConnection?.(state);
    last = state;
  };
}

/** The text of the stream; when it is not to be had now, how many milliseconds the answer asks to wait. */
async function open(connection: Connection, lastEventId: string | undefined, attempt: AbortController) {
  // Outside of what is tried again: an id that no header can hold is a mistake of the caller.
  const headers = new Headers({ accept: 'text/event-stream' });
  if (lastEventId !== undefined && lastEventId !== '') headers.set('last-event-id', lastEventId);
  const silence = setTimeout(() => attempt.abort(), longestSilence);
  try {
    const response = await connection
      .fetch(connection.url('/products/stream'), { headers, cache: 'no-store', signal: attempt.signal })
      .catch(() => undefined); // No network, or no server: fetch does not tell which.
    const isStream = response?.headers.get('content-type')?.startsWith('text/event-stream');
    if (response?.ok && isStream && response.body !== null) return textOf(response.body, attempt);
    if (response === undefined) return 0;
    if (response.status >= 500 || response.status === 429) return retryAfterOf(response.headers);
    const body: unknown = await response.json().catch(() => undefined);
    // A refusal that breaks off is no answer.
    if (attempt.signal.aborted) return 0;
    throw new CatalogueProblem('queries', response.status, body);
  } finally {
    clearTimeout(silence);
  }
}

/** The text of a body in pieces; ends when it is over, broken, or when nothing comes for too long. */
async function* textOf(body: ReadableStream<Uint8Array>, attempt: AbortController): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  for (;;) {
    const silence = setTimeout(() => attempt.abort(), longestSilence);
    const { done, value } = await reader
      .read()
      .catch(() => ({ done: true, value: undefined })) // Which is what the caller's loop is for.
      .finally(() => clearTimeout(silence));
    if (done || value === undefined) return;
    yield decoder.decode(value, { stream: true });
  }
}

/** Undefined for a type of event that a newer query-api sends. */
function understood({ type, data, lastEventId }: SentEvent): StreamEvent | undefined {
  switch (type) {
    case 'product.created':
    case 'product.updated':
    case 'product.discontinued':
      return { type, eventId: lastEventId ?? '', product: JSON.parse(data) as Product };
    case 'reset':
      return { type, eventId: lastEventId };
    default:
      return undefined;
  }
}
