const avroEnding = '.avro';

/** The topic that has a topic's events in Avro: itself, if its name says so. */
export function avroTopicOf(topic: string): string {
  return `${jsonTopicOf(topic)}${avroEnding}`;
}

/** The topic whose events a topic has in Avro: itself, unless its name says so. */
export function jsonTopicOf(topic: string): string {
  return topic.endsWith(avroEnding) ? topic.slice(0, -avroEnding.length) : topic;
}
