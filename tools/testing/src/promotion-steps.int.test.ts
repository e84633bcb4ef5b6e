import { randomUUID } from 'node:crypto';
import { expect, inject, test } from 'vitest';
import { createDatabase } from './database.ts';
import { countSteps, findUnreturnedPrices } from './promotion-steps.ts';

test('what promotions changed of products is counted, and what they left is found', async () => {
  await using db = await createDatabase(inject('servers').writeDb);
  await db.sql`create table events (stream text, version integer, type text, payload jsonb, metadata jsonb)`;
  const promotion = randomUUID();
  const change = async (stream: string, version: number, price: number, requestId: string | null) =>
    await db.sql`
      insert into events values (${stream}, ${version}, 'ProductUpdated', ${db.sql.json({ price })}, ${db.sql.json({ requestId })})`;
  for (const product of ['p', 'q', 'untouched']) await change(product, 1, 10, null);
  expect(await countSteps(db.sql, ['p', 'q', 'untouched'])).toEqual({ applied: 0, givenBack: 0 });
  for (const product of ['p', 'q']) await change(product, 2, 8, `${promotion}/${product}/apply/1`);
  await change('p', 3, 10, `${promotion}/p/give-back/2`);
  expect(await countSteps(db.sql, ['p', 'q', 'untouched'])).toEqual({ applied: 2, givenBack: 1 });
  expect(await countSteps(db.sql, ['untouched'])).toEqual({ applied: 0, givenBack: 0 });
  expect(await findUnreturnedPrices(db.sql, ['p', 'q', 'untouched'])).toEqual([
    'Product q has the price 8, and should have 10 again',
  ]);
});
