import type { Transaction } from '@catalogue/postgres';

/**
 * Keeps a generation in its state until the transaction ends: such a transaction and a switch wait for each other. For
 * transactions that change products without moving an offset, which a switch would not notice otherwise. Take this lock
 * first, as a switch does.
 */
export async function holdGeneration(sql: Transaction, generation: number): Promise<void> {
  await sql`select from generations where generation = ${generation} for key share`;
}
