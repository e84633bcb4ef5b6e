/** An event to append. The store does not interpret `payload` and `metadata`. */
export interface NewEvent {
  /** UUID, unique in all systems that receive the event. */
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
  /** When it was stored, on the database's clock, because the clocks of services differ. */
  recordedAt: Date;
}

/** A position in the order in which the log is read; `start` is before the first event, `end` after every event. */
export interface Cursor {
  transactionId: number;
  position: number;
}

export const start: Cursor = { transactionId: 0, position: 0 };
export const end: Cursor = { transactionId: Number.MAX_SAFE_INTEGER, position: Number.MAX_SAFE_INTEGER };
