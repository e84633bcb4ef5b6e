export { changesAppended } from './channel.ts';
export { migrateReadModel } from './migrate.ts';
export {
  columnsOf,
  comparedFields,
  type ProductColumn,
  productColumns,
  type ProductField,
  productFields,
  selectionOf,
  shownFields,
} from './product-columns.ts';
export {
  changeCounters,
  changes,
  type ConsumerOffset,
  consumerOffsets,
  discards,
  type Generation,
  generations,
  type ParkedEvent,
  parkedEvents,
  type ProductRead,
  type ProductRow,
  products,
  productsRead,
  words,
} from './tables.ts';
