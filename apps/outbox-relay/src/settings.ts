import { defaultTopic } from '@catalogue/contracts';
import { eventCodec, kafkaBrokers, kafkaTopic, postgresDsn, serviceSettings } from '@catalogue/service';
import { type EventKind, relayEvents } from './event/kind.ts';
import { relayName } from './name.ts';

export const settings = {
  ...serviceSettings(8082),
  name: relayName,
  writeDb: postgresDsn('WRITE_DB_DSN'),
  brokers: kafkaBrokers,
  kind: relayEvents,
  codecName: eventCodec,
  // Absent, it is that of the kind.
  topic: { ...kafkaTopic(defaultTopic), fallback: '' },
};

/** The topic to send to. */
export const topicOf = ({ topic, kind }: { topic: string; kind: EventKind }): string => topic || kind.topic;
