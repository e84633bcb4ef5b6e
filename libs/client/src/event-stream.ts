/** An event of a `text/event-stream` (HTML Standard, 9.2). */
export interface SentEvent {
  type: string;
  data: string;
  /** The id of the newest complete block: this event’s, or an earlier one’s. */
  lastEventId: string | undefined;
}

/** Parses the text of an event stream from pieces of any size, and returns the complete events. */
export class EventStreamParser {
  #rest = '';
  #afterReturn = false;
  #type = '';
  #data: string[] = [];
  /** The id in the current block. It takes effect when the block ends. */
  #idRead: string | undefined;
  #lastEventId: string | undefined;
  #retry: number | undefined;

  constructor(lastEventId: string | undefined) {
    this.#idRead = lastEventId;
    this.#lastEventId = lastEventId;
  }

  /**
   * Where to resume: the newest id of the complete blocks, including blocks without data, which are not events.
   * Undefined before the first id, and after the server has cleared it by an empty one.
   */
  get lastEventId(): string | undefined {
    return this.#lastEventId;
  }

  /** Milliseconds to wait before reconnecting, if the server set it. */
  get retry(): number | undefined {
    return this.#retry;
  }

  push(text: string): SentEvent[] {
    const events: SentEvent[] = [];
    for (const line of this.#lines(text)) {
      if (line !== '') this.#take(line);
      else {
        const event = this.#dispatch();
        if (event !== undefined) events.push(event);
      }
    }
    return events;
  }

  /** Lines end with CR, LF or CRLF. A CRLF may be split between two pieces. */
  #lines(text: string): string[] {
    const fresh = this.#afterReturn && text.startsWith('\n') ? text.slice(1) : text;
    if (text !== '') this.#afterReturn = text.endsWith('\r');
    const lines = (this.#rest + fresh).split(/\r\n|\n|\r/);
    this.#rest = lines.pop() ?? '';
    return lines;
  }

  #take(line: string): void {
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.#type = value;
    else if (field === 'data') this.#data.push(value);
    else if (field === 'id' && !value.includes('\0')) this.#idRead = value === '' ? undefined : value;
    else if (field === 'retry' && /^\d+$/.test(value)) this.#retry = Number(value);
  }

  #dispatch(): SentEvent | undefined {
    const [type, data] = [this.#type, this.#data];
    this.#type = '';
    this.#data = [];
    this.#lastEventId = this.#idRead;
    if (data.length === 0) return undefined;
    return { type: type === '' ? 'message' : type, data: data.join('\n'), lastEventId: this.#lastEventId };
  }
}
