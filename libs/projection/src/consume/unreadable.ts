import type { Read } from '../fold/message.ts';
import type { Fate } from '../fold/outcome.ts';
import { TopicFault } from './topic-fault.ts';

/** The most unreadable messages in a row: with more, the topic counts as wrong. */
const maxUnreadable = 100;

/**
 * Counts the unreadable messages in a row at the end of a batch that begins at offset `expected`. A readable message
 * resets the count, and discarded messages do not count. A negative count is the number that an operator still allows.
 * @param service the service whose tool allows more of them.
 * @throws {TopicFault} when there are more than `maxUnreadable`.
 */
export function countUnreadable(
  before: number,
  expected: number,
  messages: readonly Read[],
  fates: readonly Fate[],
  service: string,
): number {
  let count = before;
  for (const [index, message] of messages.entries()) {
    if ('productId' in message) count = Math.min(count, 0);
    else if (fates[index] === 'parked') count += 1;
    if (count > maxUnreadable) throw tooMany(expected, message, service);
  }
  return count;
}

function tooMany(next: number, message: Read, service: string): TopicFault {
  const { partition, offset } = message.origin;
  const why = 'unread' in message ? `: ${message.unread.detail}` : '';
  return new TopicFault(
    next,
    `More than ${maxUnreadable} messages in a row cannot be read, so the topic is at fault: is it the right one, ` +
      'and does its producer write events? To go on nevertheless and park them, run ' +
      `"node apps/${service}/dist/cli.js parked allow ${partition}" and start the worker again. ` +
      `The last, at offset ${offset}${why}`,
  );
}
