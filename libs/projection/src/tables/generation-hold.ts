import type { Transaction } from '@catalogue/postgres';

/**
 * Keeps a generation in its state until the transaction ends: a switch waits for it, and it for a switch. For transactions
 * that move products without moving an offset, which a switch would not notice otherwise. It is the first lock they take, as
 * it is of a switch.
 */
export async function holdGeneration(sql: Transaction, generation: number): Promise<void> {
  await sql`select from generations where generation = ${generation} for key share`;
}
