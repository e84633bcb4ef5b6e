import type { KafkaError, Topic } from '@catalogue/kafka';
import { RefusedError } from '../operate/refused.ts';
import type { Tools } from './command.ts';

/** The topic on the broker, with the end of each partition, or the error of its leader. */
export interface Found extends Topic {
  ends: (number | KafkaError)[];
}

export async function readTopic({
  admin,
  topic,
  topicVariable,
}: Pick<Tools, 'admin' | 'topic' | 'topicVariable'>): Promise<Found> {
  const found = await admin.describeTopic(topic);
  if (found === undefined) throw new RefusedError(`Topic ${topic} does not exist: is ${topicVariable} right?`);
  return { ...found, ends: await admin.endOffsets(found) };
}

/** One line that names the partitions whose ends are not known, and those in `others`; undefined if there are none. */
export function unanswered({ name, ends }: Found, others: ReadonlyMap<number, string> = new Map()): string | undefined {
  const named = ends.flatMap((end, partition) => {
    const reason = typeof end === 'number' ? others.get(partition) : end.message;
    return reason === undefined ? [] : [`${partition} (${reason})`];
  });
  return named.length === 0 ? undefined : `Not known of ${name}: partition ${named.join(', ')}`;
}
