import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Brokers, ensureTopic, findDangers, KafkaError, openAdmin, openProducer } from '@catalogue/kafka';
import { connect } from '@catalogue/postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Authority, createAuthority } from './certificates.ts';
import { type SecuredKafka, startSecuredKafka } from './secured-kafka.ts';
import { type SecuredPostgres, startSecuredPostgres } from './secured-postgres.ts';
import { readTopic, sendMessages } from './topic.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };
const users = { operator: 'o-secret', neighbour: 'n-secret' };
let authority: Authority;
let kafka: SecuredKafka;

beforeAll(async () => {
  authority = await createAuthority();
  kafka = await startSecuredKafka(authority, users);
  await kafka.grant('--allow-principal', 'User:operator', '--operation', 'All', '--topic', '*', '--group', '*');
});
afterAll(() => kafka?.[Symbol.asyncDispose]());

function brokersOf(username: keyof typeof users, password = users[username], ca = authority.cert): Brokers {
  const sasl = { mechanism: 'SCRAM-SHA-512', username, password } as const;
  return { servers: kafka.brokers, security: { protocol: 'SASL_SSL', tls: { ca }, sasl } };
}

describe('Kafka behind SASL_SSL and ACLs', () => {
  const topic = `test-${randomUUID()}`;

  test('admin, settings of the topic, producer and consumer authenticate', async () => {
    const brokers = brokersOf('operator');
    await ensureTopic({ brokers, topic, partitions: 2, log });
    expect(await findDangers({ brokers, topic })).toBeUndefined();
    await sendMessages(brokers, topic, [{ key: 'a', value: Buffer.from('first'), headers: {} }]);
    expect((await readTopic(brokers, topic, 1)).map(({ value }) => String(value))).toEqual(['first']);
  });

  test('a neighbour without ACLs writes nothing, reads nothing and sees no settings', async () => {
    const brokers = brokersOf('neighbour');
    const sending = sendMessages(brokers, topic, [{ key: 'a', value: Buffer.from('forged'), headers: {} }]);
    await expect(sending).rejects.toThrow(KafkaError);
    await expect(topicOf(brokers, topic)).rejects.toThrow(/authorization/i);
    expect(await findDangers({ brokers, topic })).toMatch('the right DescribeConfigs on it is missing');
    expect(await readTopic(brokersOf('operator'), topic, 1)).toHaveLength(1);
  });

  test('a wrong password is refused, and no error repeats it', async () => {
    const brokers = brokersOf('operator', 'not-the-password');
    const errors = [await refusal(findDangers({ brokers, topic })), await refusal(reach(brokers, topic))];
    expect(errors[0]).toBeInstanceOf(KafkaError);
    for (const error of errors) expect(JSON.stringify(error, allNames)).not.toContain('not-the-password');
  });

  test('a broker whose certificate another authority has signed is not talked to', async () => {
    const brokers = brokersOf('operator', users.operator, (await createAuthority()).cert);
    await expect(findDangers({ brokers, topic })).rejects.toThrow(/certificate|signature/i);
    await expect(reach(brokers, topic)).rejects.toThrow(KafkaError);
  });

  test('a broker whose certificate names another host is not talked to', async () => {
    const { security } = brokersOf('operator') as Exclude<Brokers, string>;
    const brokers = { servers: kafka.brokers.replace('127.0.0.1', 'localhost'), security };
    await expect(findDangers({ brokers, topic })).rejects.toThrow(/altnames/i);
    await expect(reach(brokers, topic)).rejects.toThrow(KafkaError);
  });

  test('where clients authenticate by certificate, its name has the rights, and without one there is no answer', async () => {
    await kafka.grant(
      '--allow-principal',
      'User:CN=relay.example',
      '--operation',
      'All',
      '--topic',
      '*',
      '--group',
      '*',
    );
    const brokersWith = (own: { cert?: string; key?: string }, ca = authority.cert): Brokers => {
      return { servers: kafka.mutual, security: { protocol: 'SSL', tls: { ca, ...own } } };
    };
    const brokers = brokersWith(await authority.issue('relay.example'));
    const own = `test-${randomUUID()}`;
    await ensureTopic({ brokers, topic: own, partitions: 1, log });
    expect(await findDangers({ brokers, topic: own })).toBeUndefined();
    await sendMessages(brokers, own, [{ key: 'a', value: Buffer.from('first'), headers: {} }]);
    expect(await readTopic(brokers, own, 1)).toHaveLength(1);
    const neighbour = brokersWith(await authority.issue('neighbour.example'));
    await expect(topicOf(neighbour, own)).rejects.toThrow(/authorization/i);
    const stranger = await (await createAuthority()).issue('relay.example');
    for (const refused of [brokersWith({}), brokersWith(stranger)]) {
      await expect(findDangers({ brokers: refused, topic: own })).rejects.toThrow('cannot be read');
      await expect(reach(refused, own)).rejects.toThrow(KafkaError);
    }
  });

  test('a client without TLS gets no answer', async () => {
    await expect(findDangers({ brokers: kafka.brokers, topic })).rejects.toThrow('cannot be read');
  });
});

describe('PostgreSQL behind TLS', () => {
  let postgres: SecuredPostgres;
  let impostor: SecuredPostgres;

  beforeAll(async () => {
    postgres = await startSecuredPostgres(authority);
    impostor = await startSecuredPostgres(authority, 'another.example');
  });
  afterAll(() => Promise.all([postgres, impostor].map((each) => each?.[Symbol.asyncDispose]())));

  const secured = (change: (parameters: URLSearchParams) => void, server = postgres) => {
    const url = new URL(server.dsn('postgres'));
    change(url.searchParams);
    return url.href;
  };

  test.each(['verify-full', 'verify-ca', 'require', 'prefer', 'allow'])(
    'a session with sslmode=%s is encrypted',
    async (mode) => {
      const [row] = await ask(secured((parameters) => parameters.set('sslmode', mode)));
      expect(row).toEqual({ ssl: true });
    },
  );

  test('verify-full, and require with an authority, refuse a server that another authority vouches for', async () => {
    const elsewhere = await createAuthority();
    await using other = await startSecuredPostgres(elsewhere);
    const root = new URL(other.dsn('postgres')).searchParams.get('sslrootcert') ?? '';
    for (const mode of ['verify-full', 'verify-ca', 'require']) {
      const dsn = secured((parameters) => {
        parameters.set('sslmode', mode);
        parameters.set('sslrootcert', root);
      });
      await expect(ask(dsn)).rejects.toThrow(/certificate|signature/i);
    }
  });

  test('verify-full refuses a certificate for another host, which verify-ca accepts', async () => {
    await expect(ask(secured(() => {}, impostor))).rejects.toThrow(/altnames/i);
    const [row] = await ask(secured((parameters) => parameters.set('sslmode', 'verify-ca'), impostor));
    expect(row).toEqual({ ssl: true });
  });

  test('sslcert and sslkey authenticate the role that the certificate names, and no other', async () => {
    await ask(postgres.dsn('postgres'), 'create role by_certificate login');
    const folder = mkdtempSync(join(tmpdir(), 'catalogue-certificate-'));
    const dsnWith = async (name: string) => {
      const { cert, key } = await authority.issue(name);
      const url = new URL(postgres.dsn('postgres', 'by_certificate'));
      for (const [parameter, text] of Object.entries({ sslcert: cert, sslkey: key })) {
        const file = join(folder, `${name}.${parameter}`);
        writeFileSync(file, text);
        url.searchParams.set(parameter, file);
      }
      return url.href;
    };
    try {
      expect(await ask(await dsnWith('by_certificate'))).toEqual([{ ssl: true }]);
      await expect(ask(await dsnWith('neighbour'))).rejects.toThrow('certificate authentication failed');
      await expect(ask(postgres.dsn('postgres', 'by_certificate'))).rejects.toThrow(
        'requires a valid client certificate',
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('the server refuses a session without TLS, and one with a wrong password', async () => {
    await expect(ask(secured((parameters) => parameters.set('sslmode', 'disable')))).rejects.toThrow('no encryption');
    await expect(ask(postgres.dsn('postgres', 'nobody', 'wrong-secret'))).rejects.toThrow('authentication failed');
  });
});

async function ask(dsn: string, statement = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()') {
  const sql = connect(dsn, { name: 'test', max: 1 });
  try {
    return [...(await sql.unsafe(statement))];
  } finally {
    await sql.end({ timeout: 1 });
  }
}

async function topicOf(brokers: Brokers, topic: string): Promise<unknown> {
  const admin = openAdmin({ brokers, clientId: 'test', log });
  try {
    return await admin.describeTopic(topic);
  } finally {
    admin.close();
  }
}

/** Rejects when the client does not get through within a second. */
async function reach(brokers: Brokers, topic: string): Promise<void> {
  const producer = openProducer({ brokers, clientId: 'test', log });
  try {
    await producer.requireTopic(topic);
  } finally {
    await producer.close();
  }
}

const refusal = (attempt: Promise<unknown>) =>
  attempt.then(
    () => undefined,
    (error: unknown) => error,
  );

/** Shows what JSON leaves out of an error. */
function allNames(_: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  return Object.fromEntries(Object.getOwnPropertyNames(value).map((name) => [name, Reflect.get(value, name)]));
}
