import { setTimeout as delay } from 'node:timers/promises';
import { type Cursor, loadCursor, type PlacedEvent, placeBefore, readAhead, readStream } from '@catalogue/event-store';
import type { Sql } from '@catalogue/postgres';
import { batchSize } from '../relay.ts';
import type { Sender } from '../sender.ts';
import type { From } from './from.ts';

export interface RepublishOptions {
  /** The name of the relay whose events are sent again. */
  reader: string;
  store: Sql;
  /** Sends to the chosen topic. */
  sender: Sender;
  from: From;
  /** The maximum number of events per second; no limit when absent. */
  perSecond?: number;
  /** Called after every batch with the number of events sent so far, and the last one. */
  onSent: (events: number, last: PlacedEvent) => void;
  signal: AbortSignal;
}

/**
 * Sends a part of the log again, each product's events in order. It sends only events that the relay has sent, so on
 * the relay's own topic each of them is a repetition, and no version arrives before its predecessor, even while the
 * relay continues. It also repeats events that the relay sends meanwhile, until less than a batch is left. Resolves
 * with the number of events; rejects with the signal's reason when that is aborted.
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
    const earlyMs = (sent / perSecond) * 1000 - (performance.now() - began);
    if (earlyMs > 0) await delay(earlyMs, undefined, { signal });
  }
  return sent;
}

async function* history({ reader, store, from }: RepublishOptions, limit: number): AsyncGenerator<PlacedEvent[]> {
  const sent = () => loadCursor(store, reader);
  if ('product' in from) yield* streamHistory(store, from.product, limit, await sent());
  else if ('after' in from) yield* logHistory(store, from.after, limit, sent);
  else {
    const place = await placeBefore(store, from.since);
    if (place !== undefined) yield* logHistory(store, place, limit, sent);
  }
}

async function* logHistory(
  store: Sql,
  begin: Cursor,
  limit: number,
  sent: () => Promise<Cursor>,
): AsyncGenerator<PlacedEvent[]> {
  let after = begin;
  for (let read = limit; read >= limit; ) {
    read = 0;
    for await (const events of readAhead(store, after, limit, await sent())) {
      yield events;
      read += events.length;
      after = events.at(-1) ?? after;
    }
  }
}

async function* streamHistory(store: Sql, stream: string, limit: number, upTo: Cursor): AsyncGenerator<PlacedEvent[]> {
  for (let after = 0; ; ) {
    const events = await readStream(store, stream, after, limit, upTo);
    const last = events.at(-1);
    if (last === undefined) return;
    yield events;
    after = last.version;
  }
}
