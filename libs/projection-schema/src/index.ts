export { changeColumns } from './change-log.ts';
export { changesAppended } from './channel.ts';
export {
  consumerOffsets,
  discards,
  type Generation,
  generations,
  type ParkedEvent,
  parkedEvents,
  trackedColumns,
} from './tables.ts';
