import { migrateReadModel } from '@catalogue/read-schema';
import { createDatabase } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { addChanges } from '../../test/fixture.ts';
import { OlderChanges } from './older.ts';
import { openProductLog } from './product-change.ts';

test('a stream that resumes before a gap in older changes gets a reset, not the changes after the gap', async () => {
  await using db = await createDatabase(inject('servers').readDb, migrateReadModel);
  await addChanges(db.sql, 20);
  await db.sql`delete from changes where seq in (10, 11)`;
  const older = new OlderChanges(openProductLog(db.sql));
  const after = async (seq: number) =>
    (await older.after({ generation: 1, seq, mark: undefined }))?.map((change) => change.seq);
  expect([await after(7), await after(9), await after(10), await after(17)]).toEqual([
    [8, 9],
    undefined,
    undefined,
    [18, 19, 20],
  ]);
});
