export { changesAppended } from './channel.ts';
export { migrateReadModel } from './migrate.ts';
export { columnsOf, comparedFields, productFields, selectionOf, shownFields } from './product-columns.ts';
export {
  changeCounters,
  changes,
  type ProductColumn,
  productColumns,
  type ProductField,
  type ProductRead,
  type ProductRow,
  products,
  productsRead,
} from './product-tables.ts';
export {
  type ConsumerOffset,
  consumerOffsets,
  discards,
  type Generation,
  generations,
  type ParkedEvent,
  parkedEvents,
  words,
} from './tables.ts';
