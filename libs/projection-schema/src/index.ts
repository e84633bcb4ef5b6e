export { changesAppended } from './channel.ts';
export {
  type ConsumerOffset,
  consumerOffsets,
  discards,
  type Generation,
  generations,
  type ParkedEvent,
  parkedEvents,
} from './tables.ts';
