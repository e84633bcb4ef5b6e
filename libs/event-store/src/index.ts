export {
  type Append,
  append,
  type AppendedUnlessUsed,
  appendUnlessUsed,
  KeyTaken,
  type NewAnswer,
  OutcomeUnknown,
} from './append.ts';
export { appendWithin } from './append-within.ts';
export { type Backlog, readBacklog } from './backlog.ts';
export { type Barrier, readBarrier, type Writer } from './barrier.ts';
export { loadCursor, moveCursor } from './cursors.ts';
export { type Cursor, type NewEvent, type RecordedEvent, start } from './event.ts';
export { readBackward } from './history.ts';
export { findAnswers, type IdempotencyKey, keyOf, removeExpiredKeys, type StoredAnswer } from './idempotency.ts';
export { findVersions, load, type LoadedStream, type StoredChange } from './load.ts';
export { migrateEventStore } from './migrate.ts';
export { type Adopted, adoptLog, checkOrigin } from './origin.ts';
export { placeBefore, readStream, type Since } from './places.ts';
export { isHeldBack, type PlacedEvent, readAhead, readForward } from './read-forward.ts';
export { saveSnapshots, type Snapshot } from './snapshots.ts';
export { eventsAppended, hintAppended } from './wake-up.ts';
