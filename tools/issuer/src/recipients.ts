/** Who gets which certificate and which passwords. Each recipient has a folder of its own, which nobody else reads. */
export interface Recipient {
  /** The user of its container. */
  owner: 'service' | 'database';
  /** The name in its certificate: the role by which it logs in at PostgreSQL, or its user at the broker's own listeners. */
  name: string;
  /** The names of its server, beside localhost. Clients only have none. */
  hosts: readonly string[];
  /** Files with the passwords of these names. */
  passwords: Readonly<Record<string, string>>;
}

const kafkaUsers = [
  'outbox-relay',
  'promotions-relay',
  'query-worker',
  'price-history',
  'promotions',
  'catalogue-migrate',
];

const kafkaPassword = (user: string) => ({ 'kafka-password': `kafka-${user}` });
const service = (name: string, hosts: readonly string[], passwords: Record<string, string> = {}): Recipient => {
  return { owner: 'service', name, hosts, passwords };
};
const database = (host: string): Recipient => {
  return { owner: 'database', name: host, hosts: [host], passwords: { 'superuser-password': `superuser-${host}` } };
};

/** By the name of the folder; `accounts` are the names of the issuer's clients and users. */
export function recipients(accounts: { clients: string[]; users: string[] }): Readonly<Record<string, Recipient>> {
  return {
    kafka: service(
      'kafka',
      ['kafka'],
      Object.fromEntries(kafkaUsers.map((user) => [`users/${user}`, `kafka-${user}`])),
    ),
    'kafka-rights': service('kafka-rights', []),
    'write-db': database('write-db'),
    'read-db': database('read-db'),
    'promotions-db': database('promotions-db'),
    issuer: service('issuer', ['issuer'], {
      ...Object.fromEntries(accounts.clients.map((client) => [`clients/${client}`, `client-${client}`])),
      ...Object.fromEntries(accounts.users.map((user) => [`users/${user}`, `user-${user}`])),
    }),
    'event-store': service('event_store', []),
    topics: service('catalogue-migrate', [], kafkaPassword('catalogue-migrate')),
    'command-api': service('command_api', ['command-api']),
    'outbox-relay': service('outbox_relay', ['outbox-relay'], kafkaPassword('outbox-relay')),
    'query-worker': service('query_worker', ['query-worker'], kafkaPassword('query-worker')),
    'query-api': service('query_api', ['query-api']),
    'price-history': service('price_history', ['price-history'], kafkaPassword('price-history')),
    promotions: service('promotions', ['promotions'], {
      ...kafkaPassword('promotions'),
      'client-secret': 'client-promotions',
    }),
    'promotions-relay': service('promotions_relay', ['promotions-relay'], kafkaPassword('promotions-relay')),
  };
}
