const avroEnding = '.avro';

/** The topic with the Avro form of a topic's events; the same topic if its name ends with `.avro`. */
export function avroTopicOf(topic: string): string {
  return `${jsonTopicOf(topic)}${avroEnding}`;
}

/** The topic with the JSON form of a topic's events; the same topic unless its name ends with `.avro`. */
export function jsonTopicOf(topic: string): string {
  return topic.endsWith(avroEnding) ? topic.slice(0, -avroEnding.length) : topic;
}
