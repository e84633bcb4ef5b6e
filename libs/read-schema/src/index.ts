export { changesAppended } from './channel.ts';
export { migrateReadModel } from './migrate.ts';
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
