import type { Fate, Read } from '../projection/project-batch.ts';
import { TopicFault } from './topic-fault.ts';

/** Messages in a row that may be unreadable before the topic is at fault, and not they. */
const maxUnreadable = 100;

/**
 * Counts the unreadable messages in a row that a batch from the offset `expected` on leaves behind: those of before, unless one could be read since. What an
 * operator has discarded does not count. Below 0, as many more are allowed before the count begins.
 * @throws {TopicFault} when they are more than are tolerated.
 */
export function countUnreadable(
  before: number,
  expected: number,
  messages: readonly Read[],
  fates: readonly Fate[],
): number {
  let count = before;
  for (const [index, message] of messages.entries()) {
    if ('productId' in message) count = Math.min(count, 0);
    else if (fates[index] === 'parked') count += 1;
    if (count > maxUnreadable) throw tooMany(expected, message);
  }
  return count;
}

function tooMany(next: number, message: Read): TopicFault {
  const { partition, offset } = message.origin;
  const why = 'unread' in message ? `: ${message.unread.detail}` : '';
  return new TopicFault(
    next,
    `More than ${maxUnreadable} messages in a row cannot be read, so the topic is at fault: is KAFKA_TOPIC the right ` +
      'one, and does its producer write events? To go on nevertheless and park them, run ' +
      `"node apps/query-worker/dist/cli.js parked allow ${partition}" and start the worker again. ` +
      `The last, at offset ${offset}${why}`,
  );
}
