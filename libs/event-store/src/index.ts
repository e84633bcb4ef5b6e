export { type Append, append } from './append.ts';
export { loadCursor, moveCursor } from './cursors.ts';
export { type Cursor, type NewEvent, type RecordedEvent, start } from './event.ts';
export { load } from './load.ts';
export { migrateEventStore } from './migrate.ts';
export { isHeldBack, type PlacedEvent, readForward } from './read-forward.ts';
export { eventsAppended, hintAppended } from './wake-up.ts';
