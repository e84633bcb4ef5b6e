import type { Sql } from '@catalogue/postgres';
import type { ProductRead } from '@catalogue/read-schema';

/** What is known of a product that tokens ask about, whether the catalogue lists it or not. */
export interface ProductStatus {
  id: string;
  version: number;
  /** Events of it wait for an operator. */
  parked: boolean;
}

/** Those of the products that the catalogue lists. */
export async function findProducts(sql: Sql, ids: readonly string[]): Promise<ProductRead[]> {
  return await sql<ProductRead[]>`
    select id, name, price, version, created_at as "createdAt", updated_at as "updatedAt"
    from products_read where id = any(${ids}::text[])`;
}

/** The status of those of the products that the serving generation knows: discontinued and incomplete ones as well. */
export async function findStatuses(sql: Sql, ids: readonly string[]): Promise<ProductStatus[]> {
  return await sql<ProductStatus[]>`
    select id, version, parked from products
    where generation = (select generation from generations where state = 'serving') and id = any(${ids}::text[])`;
}
