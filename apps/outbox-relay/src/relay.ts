import { setTimeout as delay } from 'node:timers/promises';
import { isHeldBack, loadCursor, moveCursor, type PlacedEvent, readAhead } from '@catalogue/event-store';
import type { Sql } from '@catalogue/postgres';
import type { Term } from './leadership.ts';
import type { Sender } from './sender.ts';
import type { WakeUp } from './wake-up.ts';

// Reading 2 000 events costs about as much as reading 500, and fills Kafka's batches.
export const batchSize = 2_000;
const pausePerEventMs = 1;
const maxPauseMs = 25;

export interface RelayOptions {
  /** The name of the relay's cursor in the event store. */
  reader: string;
  store: Sql;
  sender: Sender;
  wakeUp: WakeUp;
  onRelayed: (events: PlacedEvent[]) => void;
}

/**
 * Sends the log to Kafka, in order, until the term ends. The cursor moves only past events that Kafka has acknowledged,
 * so after a crash some events are sent again, and none is skipped.
 */
export async function relay({ reader, store, sender, wakeUp, onRelayed }: RelayOptions, term: Term): Promise<void> {
  const { signal } = term;
  let cursor = await loadCursor(store, reader);
  let heldBackSince: number | undefined;
  while (!signal.aborted) {
    let began = performance.now();
    for await (const events of readAhead(store, cursor, batchSize)) {
      // Right before sending: a process that was frozen after reading may no longer be the leader.
      await term.confirm();
      await sender.send(events, signal);
      cursor = events.at(-1) ?? cursor;
      await moveCursor(store, reader, cursor);
      onRelayed(events);
      heldBackSince = undefined;
      const pause = pauseAfter(events.length, performance.now() - began);
      if (pause > 0) await delay(pause, undefined, { signal });
      began = performance.now();
    }
    const now = performance.now();
    heldBackSince = (await isHeldBack(store, cursor)) ? (heldBackSince ?? now) : undefined;
    await wakeUp.next(heldBackSince && now - heldBackSince, signal);
  }
}

/**
 * Milliseconds to wait after a batch, so that events gather: a request to Kafka and a transaction of the worker cost
 * about the same for one event as for fifty. At most as long as the batch took, which grows with the load of the
 * machine: a pause by the number of events alone would make the next batch larger, and so the next pause longer. A lone
 * event is not delayed, and neither is a backlog.
 */
export function pauseAfter(events: number, tookMs: number): number {
  return events === batchSize ? 0 : Math.min(pausePerEventMs * events, tookMs, maxPauseMs);
}
