import type { ParkedEvent } from '@catalogue/projection-schema';

/** A message that waits, and why. */
export type ParkedMessage = Omit<ParkedEvent, 'generation' | 'topic' | 'message' | 'parkedAt' | 'draining'> & {
  /** As it came. */
  value: Buffer | null;
  /** Where it is filed; of a new one, the topic that is consumed. */
  topic?: string;
  /** The first of a queue that is applied a piece at a time. */
  draining?: boolean;
  /** The broker's id of that topic; null when it is no more. Absent where it does not matter. */
  topicId?: string | null;
  /** Known to wait, but not read: `value` is absent. It is as far as a piece goes. */
  unloaded?: boolean;
};

/** A message as it is filed. */
export type FiledMessage = ParkedMessage & { generation: number; topic: string; parkedAt: Date };

/** Names a message by where it was in the topic. */
export function placeOf({ partition, offset }: Pick<ParkedMessage, 'partition' | 'offset'>): string {
  return `partition ${partition}, offset ${offset}`;
}

/**
 * Names a message for good: a topic made again under the same name has other messages at its places, and another id. A filed
 * message knows its own.
 */
export function lastingPlaceOf(
  message: Pick<ParkedMessage, 'partition' | 'offset' | 'topic' | 'topicId'>,
  topicId = message.topicId ?? message.topic ?? '',
): string {
  return `${placeOf(message)} of topic ${topicId}`;
}
