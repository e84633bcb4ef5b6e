import { setTimeout as delay } from 'node:timers/promises';
import { type Cursor, loadCursor, type PlacedEvent, placeBefore, readAhead, readStream } from '@catalogue/event-store';
import type { Sql } from '@catalogue/postgres';
import { batchSize, reader } from '../relay.ts';
import type { Sender } from '../sender.ts';
import type { From } from './from.ts';

export interface RepublishOptions {
  store: Sql;
  /** Where to. */
  sender: Sender;
  from: From;
  /** Events a second at most; as fast as it goes when absent. */
  perSecond?: number;
  /** Called after every batch with the last event that is in the log of the topic. */
  onSent: (events: number, last: PlacedEvent) => void;
  signal: AbortSignal;
}

/**
 * Sends a part of the log again, each product's events in order, and only what the relay has sent: on the relay's own topic
 * every one of them is a repetition, so that no version comes before the one that it follows, whatever the relay sends
 * meanwhile. What the relay sends meanwhile is sent as well, until less than a batch is left. Resolves to how many.
 */
export async function republish(options: RepublishOptions): Promise<number> {
  const { sender, perSecond = Number.POSITIVE_INFINITY, onSent, signal } = options;
  const limit = Math.min(batchSize, Math.ceil(perSecond / 10));
  const began = performance.now();
  let sent = 0;
  for await (const events of history(options, limit)) {
    signal.throwIfAborted();
    await sender.send(events, signal);
    sent += events.length;
    onSent(sent, events.at(-1) as PlacedEvent);
    const early = (sent / perSecond) * 1000 - (performance.now() - began);
    if (early > 0) await delay(early, undefined, { signal });
  }
  return sent;
}

async function* history({ store, from }: RepublishOptions, limit: number): AsyncGenerator<PlacedEvent[]> {
  if ('product' in from) yield* streamHistory(store, from.product, limit);
  else if ('after' in from) yield* logHistory(store, from.after, limit);
  else {
    const place = await placeBefore(store, from.since);
    if (place !== undefined) yield* logHistory(store, place, limit);
  }
}

async function* logHistory(store: Sql, begin: Cursor, limit: number): AsyncGenerator<PlacedEvent[]> {
  let after = begin;
  for (let read = limit; read >= limit; ) {
    read = 0;
    for await (const events of readAhead(store, after, limit, await loadCursor(store, reader))) {
      yield events;
      read += events.length;
      after = events.at(-1) ?? after;
    }
  }
}

async function* streamHistory(store: Sql, stream: string, limit: number): AsyncGenerator<PlacedEvent[]> {
  const upTo = await loadCursor(store, reader);
  for (let after = 0; ; ) {
    const events = await readStream(store, stream, after, limit, upTo);
    const last = events.at(-1);
    if (last === undefined) return;
    yield events;
    after = last.version;
  }
}
