export { changesAppended } from '@catalogue/projection-schema';
export { migrateReadModel } from './migrate.ts';
export { columnsOf, comparedFields, productFields, selectionOf, shownFields } from './product-columns.ts';
export {
  changes,
  type ProductColumn,
  productColumns,
  type ProductField,
  type ProductRead,
  type ProductRow,
  products,
  productsRead,
} from './product-tables.ts';
export { readerIndexes } from './reader-indexes.ts';
export { productNames, words } from './search-tables.ts';
