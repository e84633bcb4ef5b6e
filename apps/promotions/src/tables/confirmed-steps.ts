import type { Transaction } from '@catalogue/postgres';

/** Stores that the events of these steps have arrived. An event that arrives again changes nothing. */
export async function confirmSteps(
  tx: Transaction,
  rows: readonly { causedBy: string | null; version: number; cents: number | null }[],
): Promise<void> {
  const sorted = rows.toSorted((a, b) => (String(a.causedBy) < String(b.causedBy) ? -1 : 1));
  await tx`
    insert into confirmed_steps (step, version, cents)
    select * from unnest(
      ${sorted.map(({ causedBy }) => causedBy)}::text[],
      ${sorted.map(({ version }) => version)}::integer[],
      ${sorted.map(({ cents }) => cents)}::bigint[])
    on conflict do nothing`;
}
