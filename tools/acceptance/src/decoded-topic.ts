import { type Decoded, defaultTopic } from '@catalogue/contracts';
import { readTopic } from '@catalogue/testing';
import type { System } from './system.ts';

/** The messages of the topic, once as many different ones are there; each is decoded when it is asked for. */
export async function decodedTopic(
  { brokers, codec }: Pick<System, 'brokers' | 'codec'>,
  different: number,
  topic = defaultTopic,
): Promise<Iterable<Decoded>> {
  const values = await readTopic(brokers, topic, different, ({ value }) => value);
  await codec.prepareToDecode?.(values);
  return values.values().map((value) => codec.decode(value));
}
