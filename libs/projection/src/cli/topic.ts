import type { Topic } from '@catalogue/kafka';
import { RefusedError } from '../operate/refused.ts';
import type { Tools } from './command.ts';

/** The topic on the broker, with the end of each partition. */
export async function readTopic({ admin, topic }: Tools): Promise<Topic & { ends: number[] }> {
  const found = await admin.describeTopic(topic);
  if (found === undefined) throw new RefusedError(`Topic ${topic} does not exist: is KAFKA_TOPIC right?`);
  return { ...found, ends: await admin.endOffsets(found) };
}
