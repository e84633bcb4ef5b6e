import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from '@catalogue/postgres';
import { sendMessages, waitFor } from '@catalogue/testing';
import { expect, test } from 'vitest';
import { System } from './system.ts';

const megabyte = 1_000_000;
const messages = 480;

/** What an older producer sends that puts a picture into its messages. */
function created(id: string): Buffer {
  const payload = { id, name: `Product ${id}`, price: 1, picture: randomBytes(0.7 * megabyte).toString('base64') };
  return Buffer.from(JSON.stringify({ id, type: 'ProductCreated', payload, timestamp: '2026-11-23T10:15:30Z' }));
}

/** The most memory that a process had at once, in bytes. */
function peakOf(pid: number | undefined): number {
  return 1024 * Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

test('the worker applies any number of 1 MB messages with 250 MB of memory, and blames none of them', async () => {
  await using system = await System.start();
  const worker = system.services['query-worker'];
  await worker.stop();
  for (let sent = 0; sent < messages; sent += 12) {
    const ids = Array.from({ length: 12 }, () => randomUUID());
    const values = ids.map((id, index) => (index === 0 ? randomBytes(0.9 * megabyte) : created(id)));
    await sendMessages(
      system.brokers,
      'product-events',
      ids.map((key, index) => ({ key, value: values[index] as Buffer, headers: {} })),
    );
  }
  worker.launch();
  const sql = connect(system.readDb, { name: 'acceptance', max: 1 });
  await using _ = { [Symbol.asyncDispose]: () => sql.end() };
  await waitFor(
    'all messages to be applied',
    async () => (await sql`select from consumer_offsets having sum(next) = ${messages}`).length > 0,
    { within: 120_000 },
  );
  // Idle it has 140 MB; with messages bounded by their number alone it had 485 MB at half as many.
  expect(peakOf(worker.pid)).toBeLessThan(250 * megabyte);
  expect(await sql`select reason, count(*)::int from parked_events group by reason`).toEqual([
    { reason: 'unreadable', count: messages / 12 },
  ]);
  expect(await sql`select count(*)::int from products_read`).toEqual([{ count: (messages / 12) * 11 }]);
}, 240_000);
