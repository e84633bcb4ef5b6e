/** An event to be appended. The store knows nothing of what `payload` and `metadata` hold. */
export interface NewEvent {
  /** UUID, unique to the event wherever it travels. */
  id: string;
  type: string;
  schemaVersion: number;
  payload: object;
  metadata: object;
}

/** An event of the log. `version` counts the events of its stream 1, 2, 3 … without gaps. */
export interface RecordedEvent extends NewEvent {
  stream: string;
  version: number;
  /** When it was stored, by the database's clock: those of services differ. */
  recordedAt: Date;
}

/** A place in the order in which the log is read forward; `start` is before the first event, `end` after any. */
export interface Cursor {
  transactionId: number;
  position: number;
}

export const start: Cursor = { transactionId: 0, position: 0 };
export const end: Cursor = { transactionId: Number.MAX_SAFE_INTEGER, position: Number.MAX_SAFE_INTEGER };
