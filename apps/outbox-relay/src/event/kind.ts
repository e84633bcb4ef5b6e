import {
  defaultTopic,
  productContract,
  promotionContract,
  promotionTopic,
  type TopicContract,
} from '@catalogue/contracts';
import type { Setting } from '@catalogue/service';

/** What the events of a log are about. */
export interface EventKind {
  /** The topic when `KAFKA_TOPIC` is absent. */
  topic: string;
  contract: TopicContract;
  /** The attribute `source` of CloudEvents. */
  source: string;
  /** The member of a message that counts the events of its stream. */
  versionMember: 'productVersion' | 'promotionVersion';
}

export const eventKinds = {
  products: {
    topic: defaultTopic,
    contract: productContract,
    source: 'urn:catalogue:products',
    versionMember: 'productVersion',
  },
  promotions: {
    topic: promotionTopic,
    contract: promotionContract,
    source: 'urn:catalogue:promotions',
    versionMember: 'promotionVersion',
  },
} as const satisfies Record<string, EventKind>;

/** The kind of events in the log that the relay reads. */
export const relayEvents: Setting<EventKind> = {
  variable: 'RELAY_EVENTS',
  example: 'promotions',
  fallback: eventKinds.products,
  parse: (text) => {
    const kind = Object.entries(eventKinds).find(([name]) => name === text)?.[1];
    if (kind === undefined) throw new Error(`must be one of ${Object.keys(eventKinds).join(', ')}, not "${text}"`);
    return kind;
  },
};
