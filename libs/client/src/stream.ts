import type { Connection } from './connection.ts';
import { EventStreamParser, type SentEvent } from './event-stream.ts';
import { backoff, pause } from './pause.ts';
import { type Api, CatalogueProblem } from './problem.ts';
import type { Product, StreamEvent } from './product.ts';
import type { PromotionEvent, PromotionProgress } from './promotion.ts';
import { retryAfterOf } from './retry-after.ts';
import { NoToken } from './token.ts';

export interface StreamOptions {
  /** Resume after this event instead of starting now. */
  lastEventId?: string | undefined;
  /** Ends the stream. */
  signal?: AbortSignal | undefined;
  /** Called with `live` when the stream is connected, and with `lost` when the client reconnects. */
  onConnection?: ((state: 'live' | 'lost') => void) | undefined;
}

/** After this time without a byte, the connection counts as dead. The services send something at least every 15 s. */
const maxSilenceMs = 40_000;

/** A stream of a service. */
interface Source<E> {
  path: string;
  /** Undefined for an event type that only a newer service knows. */
  understood: (sent: SentEvent, api: Api) => E | undefined;
}

type Reset = { type: 'reset'; eventId: string | undefined };

/**
 * The events of a stream, from now on or after `lastEventId`, until the signal is aborted or the loop exits. Reconnects
 * for ever, and resumes where it lost the connection.
 * @throws {CatalogueProblem} for an answer that a retry does not change.
 * @throws what the option `token` rejects with.
 */
export async function* streamFrom<E>(
  connection: Connection,
  { path, understood }: Source<E>,
  options: StreamOptions,
): AsyncGenerator<E | Reset> {
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
      const opened = await open(connection, path, lastEventId, attempt);
      const pieces = typeof opened === 'number' ? undefined : opened;
      retryAfterMs = typeof opened === 'number' ? opened : 0;
      if (pieces !== undefined) tell('live');
      // There is no event id to resume from, so changes may have been missed while the connection was lost.
      if (pieces !== undefined && wasLive && lastEventId === undefined) yield { type: 'reset', eventId: undefined };
      wasLive ||= pieces !== undefined;
      for await (const text of pieces ?? []) {
        failures = 0;
        for (const sent of parser.push(text)) {
          // Set before the event is handed out: the consumer may exit the loop then.
          lastEventId = sent.lastEventId;
          const event = understood(sent, connection.api);
          if (event !== undefined) yield event;
          // Drop the other events of the piece.
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

/** Calls `onConnection` only when the state changes. */
function teller(onConnection: StreamOptions['onConnection']) {
  let last: 'live' | 'lost' | undefined;
  return (state: 'live' | 'lost') => {
    if (state !== last) onConnection?.(state);
    last = state;
  };
}

/** The text of the stream; or, if the stream is unavailable, the milliseconds that the answer asks to wait. */
async function open(connection: Connection, path: string, lastEventId: string | undefined, attempt: AbortController) {
  // Outside the retry loop: an id that a header cannot hold is the caller’s mistake.
  const headers = new Headers({ accept: 'text/event-stream' });
  if (lastEventId !== undefined && lastEventId !== '') headers.set('last-event-id', lastEventId);
  const silence = setTimeout(() => attempt.abort(), maxSilenceMs);
  try {
    const response = await connection
      .fetch(connection.url(path), { headers, cache: 'no-store', signal: attempt.signal })
      .catch((error: unknown) => {
        if (error instanceof NoToken) throw error.cause;
        return undefined; // No network or no server: fetch does not tell which.
      });
    const isStream = response?.headers.get('content-type')?.startsWith('text/event-stream');
    if (response?.ok && isStream && response.body !== null) return textOf(response.body, attempt);
    if (response === undefined) return 0;
    if (response.status >= 500 || [408, 429].includes(response.status)) return retryAfterOf(response.headers);
    const body: unknown = await response.json().catch(() => undefined);
    // A truncated refusal is not an answer.
    if (attempt.signal.aborted) return 0;
    throw new CatalogueProblem(connection.api, response.status, body);
  } finally {
    clearTimeout(silence);
  }
}

/** The text of a body, in pieces. Ends when the body ends or breaks, or is silent for too long. */
async function* textOf(body: ReadableStream<Uint8Array>, attempt: AbortController): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  for (;;) {
    const silence = setTimeout(() => attempt.abort(), maxSilenceMs);
    const { done, value } = await reader
      .read()
      .catch(() => ({ done: true, value: undefined })) // The caller’s loop reconnects.
      .finally(() => clearTimeout(silence));
    if (done || value === undefined) return;
    yield decoder.decode(value, { stream: true });
  }
}

/** @throws {CatalogueProblem} if the data is not JSON: to connect again would bring the same event. */
function parsed(data: string, api: Api): unknown {
  try {
    return JSON.parse(data) as unknown;
  } catch {
    throw new CatalogueProblem(api, 200, undefined);
  }
}

/** The changes of products. */
export const productChanges: Source<StreamEvent> = {
  path: '/products/stream',
  understood: ({ type, data, lastEventId }, api) => {
    switch (type) {
      case 'product.created':
      case 'product.updated':
      case 'product.discontinued':
        return { type, eventId: lastEventId ?? '', product: parsed(data, api) as Product };
      case 'reset':
        return { type, eventId: lastEventId };
      default:
        return undefined;
    }
  },
};

/** The changes of promotions and of their progress. */
export const promotionChanges: Source<PromotionEvent> = {
  path: '/promotions/stream',
  understood: ({ type, data, lastEventId }, api) => {
    switch (type) {
      case 'promotion':
        return { type, eventId: lastEventId ?? '', promotion: parsed(data, api) as PromotionProgress };
      case 'reset':
        return { type, eventId: lastEventId };
      default:
        return undefined;
    }
  },
};
