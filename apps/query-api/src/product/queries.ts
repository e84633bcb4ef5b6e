import type { Sql } from '@catalogue/postgres';
import type { ProductRead } from '@catalogue/read-schema';

/** The last row of a page, by which the next one begins. */
export interface Position {
  name: string;
  id: string;
}

/** One product, or undefined when the catalogue does not list it. */
export async function findProduct(sql: Sql, id: string): Promise<ProductRead | undefined> {
  const [row] = await sql<ProductRead[]>`
    select id, name, price, version, created_at as "createdAt", updated_at as "updatedAt"
    from products_read where id = ${id}`;
  return row;
}

/** The next products by name after a position; from the first without one. Costs the same on every page (keyset). */
export async function listByName(sql: Sql, after: Position | undefined, limit: number): Promise<ProductRead[]> {
  return await sql<ProductRead[]>`
    select id, name, price, version, created_at as "createdAt", updated_at as "updatedAt"
    from products_read
    ${after === undefined ? sql`` : sql`where (name, id) > (${after.name}, ${after.id})`}
    order by name, id
    limit ${limit}`;
}
