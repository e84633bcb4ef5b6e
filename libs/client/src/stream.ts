import type { Connection } from './connection.ts';
import { EventStreamParser, type SentEvent } from './event-stream.ts';
import { backoff, pause } from './pause.ts';
import { CatalogueProblem } from './problem.ts';
import type { Product, StreamEvent } from './product.ts';

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
  let wasLive = false;
  for (;;) {
    if (signal?.aborted) return;
    const attempt = new AbortController();
    const abort = () => attempt.abort();
    signal?.addEventListener('abort', abort);
    let retry: number | undefined;
    try {
      const parser = new EventStreamParser(lastEventId);
      const pieces = await open(connection, lastEventId, attempt);
      tell('live');
      // Nothing tells where to go on from: what happened since the connection was lost is not known.
      if (wasLive && lastEventId === undefined) yield { type: 'reset', eventId: undefined };
      wasLive = true;
      for await (const text of pieces) {
        failures = 0;
        for (const sent of parser.push(text)) {
          const event = understood(sent);
          // Before it is handed out: should the consumer leave now, nothing is left to do.
          lastEventId = sent.lastEventId;
          if (event !== undefined) yield event;
        }
        lastEventId = parser.lastEventId;
        retry = parser.retry;
      }
    } catch (error) {
      if (error instanceof CatalogueProblem) throw error;
      // A broken connection, which is what the loop is for.
    } finally {
      signal?.removeEventListener('abort', abort);
      attempt.abort();
    }
    if (signal?.aborted) continue;
    tell('lost');
    failures += 1;
    await pause(Math.max(backoff(failures), retry ?? 0), signal).catch(() => {}); // Aborted: the loop ends.
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

async function open(connection: Connection, lastEventId: string | undefined, attempt: AbortController) {
  const silence = setTimeout(() => attempt.abort(), longestSilence);
  const response = await connection
    .fetch(connection.url('/products/stream'), {
      headers: {
        accept: 'text/event-stream',
        ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      },
      cache: 'no-store',
      signal: attempt.signal,
    })
    .finally(() => clearTimeout(silence));
  if (response.ok && response.body !== null) return textOf(response.body, attempt);
  const body: unknown = await response.json().catch(() => undefined);
  const problem = new CatalogueProblem('queries', response.status, body);
  if (response.status < 500 && response.status !== 429) throw problem;
  throw new Error('The stream is not to be had now', { cause: problem });
}

/** The text of a body in pieces; ends, with an error, also when nothing comes for too long. */
async function* textOf(body: ReadableStream<Uint8Array>, attempt: AbortController): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  for (;;) {
    const silence = setTimeout(() => attempt.abort(), longestSilence);
    const { done, value } = await reader.read().finally(() => clearTimeout(silence));
    if (done) return;
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
