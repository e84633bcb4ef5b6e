import type { ParkedEvent } from '@catalogue/projection-schema';

/** A message that waits, and why. */
export type ParkedMessage = Omit<ParkedEvent, 'generation' | 'topic' | 'message' | 'parkedAt' | 'draining'> & {
  /** The message's value as it arrived. */
  value: Buffer | null;
  /** The topic that it is filed under; for a new message, the topic that is consumed. */
  topic?: string;
  /** True for the first message of a queue that is applied a piece at a time. */
  draining?: boolean;
  /** The broker's id of that topic; null if the topic is gone. Absent where it does not matter. */
  topicId?: string | null;
  /** The message waits, but its content was not read: a piece ends before it. */
  unloaded?: boolean;
};

/** A parked message with its generation, topic and time. */
export type FiledMessage = ParkedMessage & { generation: number; topic: string; parkedAt: Date };

/** Names a message by its place in the topic. */
export function placeOf({ partition, offset }: Pick<ParkedMessage, 'partition' | 'offset'>): string {
  return `partition ${partition}, offset ${offset}`;
}

/**
 * Names a message for good: a recreated topic of the same name has other messages at these places, and another id. The
 * default is the id that a filed message has.
 */
export function lastingPlaceOf(
  message: Pick<ParkedMessage, 'partition' | 'offset' | 'topic' | 'topicId'>,
  topicId = message.topicId ?? message.topic ?? '',
): string {
  return `${placeOf(message)} of topic ${topicId}`;
}
