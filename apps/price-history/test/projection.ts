import { jsonCodec, type ProductEvent } from '@catalogue/contracts';
import { applyBatch, type OffsetScope, type Read, read, readOffset, readOffsets } from '@catalogue/projection/testing';
import type { TestDatabase } from '@catalogue/testing';
import { priceModel } from '../src/model.ts';
import type { Markets } from '../src/rules/markets.ts';

export const topic = 'events';

/** Events as messages of the one partition, from an offset. */
function messagesOf(events: readonly unknown[], offset: number): Read[] {
  return read(
    events.map((event, index) => {
      const { payload } = event as ProductEvent;
      const value = Buffer.from(JSON.stringify(event));
      return { topic, partition: 0, offset: offset + index, key: Buffer.from(payload.id), value, headers: [] };
    }),
    jsonCodec,
  );
}

/** Applies messages to a generation as a new process with these rules does. */
export async function apply(
  db: TestDatabase,
  generation: number,
  markets: Markets,
  events: readonly unknown[],
): Promise<void> {
  const scope: OffsetScope = { generation, topic, topicId: 'a' };
  await readOffsets(db.sql, scope, 1);
  const expected = (await readOffset(db.sql, scope, 0)) ?? 0;
  const part = { partition: 0, expected, messages: messagesOf(events, expected) };
  await applyBatch(db.sql, priceModel(markets), scope, [part]);
}
