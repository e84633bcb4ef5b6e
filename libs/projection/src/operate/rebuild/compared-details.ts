import type { Fragment, Sql } from '@catalogue/postgres';
import type { ComparedDetails, Model } from '../../model.ts';

// The tables beside the first one, in which a product may have any number of rows. Names come from the model, not from users.

interface Details extends ComparedDetails {
  name: string;
}

function detailsIn({ tables: [, ...further] }: Model): Details[] {
  return further.flatMap(({ name, compared }) => (compared === undefined ? [] : [{ name, ...compared }]));
}

/** Adds the products whose rows in another table differ. Sums of hashes, as equal rows would cancel each other by xor. */
export async function addDetailSuspects(sql: Sql, model: Model, { serving, candidate }: Generations): Promise<void> {
  const first = sql.unsafe(model.tables[0].name);
  for (const { name, product, columns } of detailsIn(model)) {
    const hashed = (generation: number) => sql`
      select ${sql.unsafe(product)} as id, sum(hash_record_extended(row(${sql.unsafe(columns.join(', '))}), 0)) as hash
      from ${sql.unsafe(name)} where generation = ${generation} group by ${sql.unsafe(product)}`;
    await sql`
      insert into suspects
      select id, coalesce(greatest(
        (select version from ${first} t where generation = ${serving} and t.id = differing.id),
        (select version from ${first} t where generation = ${candidate} and t.id = differing.id)), 0)
      from (
        select coalesce(a.id, b.id) as id from (${hashed(serving)}) a full join (${hashed(candidate)}) b on a.id = b.id
        where a.hash is distinct from b.hash
      ) differing
      on conflict do nothing`;
  }
}

/** For each generation, a hash over all rows of these tables, in any order. */
export async function detailHashes(
  sql: Sql,
  model: Model,
  { serving, candidate }: Generations,
): Promise<Map<number, bigint>> {
  const hashes = new Map<number, bigint>();
  for (const [index, { name, columns }] of detailsIn(model).entries()) {
    const rows = await sql<{ generation: number; hash: string }[]>`
      select generation, sum(hash_record_extended(row(${sql.unsafe(columns.join(', '))}), ${index + 1}))::text as hash
      from ${sql.unsafe(name)} where generation in (${serving}, ${candidate}) group by generation`;
    for (const { generation, hash } of rows) {
      hashes.set(generation, BigInt.asUintN(64, (hashes.get(generation) ?? 0n) + BigInt(hash)));
    }
  }
  return hashes;
}

/** An object with the rows of the suspect `s` in each of these tables, by the table's name. */
export function detailsOf(sql: Sql, model: Model, generation: number): Fragment {
  const members = detailsIn(model).map(
    ({ name, product, columns }) => sql`|| jsonb_build_object(${name}::text, (
      select coalesce(jsonb_agg(to_jsonb(d) order by to_jsonb(d)), '[]')
      from (
        select ${sql.unsafe(columns.join(', '))} from ${sql.unsafe(name)}
        where generation = ${generation} and ${sql.unsafe(product)} = s.id
      ) d))`,
  );
  return members.reduce<Fragment>((all, member) => sql`${all} ${member}`, sql`'{}'::jsonb`);
}

/** The same object for a product without rows. */
export function noDetails(model: Model): Record<string, never[]> {
  return Object.fromEntries(detailsIn(model).map(({ name }) => [name, []]));
}

interface Generations {
  serving: number;
  candidate: number;
}
