/** So many messages are unreadable or miss events that the topic must be wrong; nothing was written. */
export class TopicFault extends Error {
  /** The offset of the first message that is not applied. */
  readonly next: number;

  constructor(next: number, message: string) {
    super(message);
    this.next = next;
  }
}
