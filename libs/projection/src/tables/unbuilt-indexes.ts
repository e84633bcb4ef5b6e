import type { Sql, Transaction } from '@catalogue/postgres';
import type { Model } from '../model.ts';

/** An index of a generation. */
export interface GenerationIndex {
  /** The generation's partition. */
  table: string;
  name: string;
  definition: string;
}

/** The indexes that readers of a generation need and that are missing or not valid, in the order of the model. */
export async function readUnbuilt(
  sql: Sql | Transaction,
  { indexes = [] }: Pick<Model, 'indexes'>,
  generation: number,
): Promise<GenerationIndex[]> {
  const wanted = indexes.map(({ table, name, definition }) => {
    const partition = `${table}_g${generation}`;
    return { table: partition, name: `${partition}_${name}`, definition };
  });
  if (wanted.length === 0) return [];
  const valid = await sql<{ name: string }[]>`
    select name
    from unnest(${wanted.map(({ name }) => name)}::text[], ${wanted.map(({ table }) => table)}::text[]) wanted (name, partition)
    join pg_index built on built.indexrelid = to_regclass(quote_ident(name))
      and built.indrelid = to_regclass(quote_ident(partition))
    where built.indisvalid`;
  const names = new Set(valid.map(({ name }) => name));
  return wanted.filter(({ name }) => !names.has(name));
}
