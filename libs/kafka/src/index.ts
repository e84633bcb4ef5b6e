export { Admin, openAdmin, type Topic } from './admin.ts';
export type { ClientOptions } from './client.ts';
export { ensureTopic, type TopicWanted } from './ensure-topic.ts';
export { KafkaError } from './errors.ts';
export type { Log } from './log.ts';
export {
  type Delivery,
  openProducer,
  type OutgoingMessage,
  Producer,
} from './producer.ts';
