/** So much is wrong with the messages of a partition that the topic is at fault, not they: nothing was written. */
export class TopicFault extends Error {
  /** The offset of the first message that is not applied. */
  readonly next: number;

  constructor(next: number, message: string) {
    super(message);
    this.next = next;
  }
}
