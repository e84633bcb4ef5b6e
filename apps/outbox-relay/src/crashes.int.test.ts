import { setTimeout as delay } from 'node:timers/promises';
import { migrateEventStore } from '@catalogue/event-store';
import { createDatabase, createTopic, startProcess, type TestDatabase } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { appendTo, newIds, settings, startRelay, upTo, versionsOn } from '../test/fixture.ts';

const { writeDb, kafka } = inject('servers');
const program = new URL('../test/crashing-relay.ts', import.meta.url);

/** Appends to some products at a time until it is told to stop. Returns the version of each. */
async function load(db: TestDatabase, products: readonly string[], signal: AbortSignal): Promise<Map<string, number>> {
  const versions = new Map(products.map((id) => [id, 0]));
  for (let version = 1; !signal.aborted; version++) {
    for (let first = 0; first < products.length && !signal.aborted; first += 20) {
      const some = products.slice(first, first + 20);
      await appendTo(db, some, version, version);
      for (const id of some) versions.set(id, version);
      await delay(5); // a few thousand events a second: all of them are read again at the end
    }
  }
  return versions;
}

test.each(['before it is sent', 'before it is acknowledged', 'before the cursor moves'])(
  'after repeated kills at a batch %s under load, every event arrives, each product’s in order',
  async (point) => {
    await using db = await createDatabase(writeDb, migrateEventStore);
    await using topic = await createTopic(kafka);
    const stop = new AbortController();
    const loading = load(db, newIds(100), stop.signal);
    for (const nth of [1, 3, 1, 5]) {
      await using relay = startProcess(program, [point, String(nth)], settings(db, kafka, topic.name));
      expect(await relay.exited).toBe('SIGKILL');
    }
    stop.abort();
    const appended = await loading;
    await using _relay = await startRelay(db, kafka, topic);
    const events = [...appended.values()].reduce((sum, versions) => sum + versions, 0);
    expect(await versionsOn(topic, events)).toEqual(new Map([...appended].map(([id, last]) => [id, upTo(last)])));
  },
);
