export { changesAppended } from './channel.ts';
export {
  type ConsumerOffset,
  consumerOffsets,
  discards,
  type Generation,
  generations,
  type ParkedEvent,
  parkedEvents,
  trackedColumns,
} from './tables.ts';
