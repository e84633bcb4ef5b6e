export { migrateReadModel } from './migrate.ts';
export {
  type ConsumerOffset,
  consumerOffsets,
  type Generation,
  generations,
  type ProductRead,
  type ProductRow,
  products,
  productsRead,
} from './tables.ts';
