import { ServiceProcess } from '@catalogue/acceptance';
import { createDatabase, createTopic } from '@catalogue/testing';
import type { Sql } from '@catalogue/postgres';
import { setTimeout as delay } from 'node:timers/promises';
import { applied, measureApplied } from '../applied.ts';
import type { Bed } from '../bed.ts';
import type { Measurement } from '../processes.ts';
import { cpuOf, openCodec } from './codec.ts';
import { appendBacklog } from './log.ts';
import { memory, rate, rateOf, type Scenario } from './scenario.ts';

/** The rate at which a worker fills an empty read model from a separate topic: six partitions, all indexes, the change log. */
function catchUpOf(name: string, backlog: number, more: Partial<Scenario> = {}): Scenario {
  return {
    name,
    title: `A topic of ${backlog} events applied by one worker, relay stopped`,
    mode: 'write',
    targets: [rate(40_000), { figure: 'cpu' }, memory],
    measure: async (bed) => await measureCatchUp(bed, backlog, { service: 'query-worker', variable: 'READ_DB_DSN' }),
    ...more,
  };
}

/** The same topic as that of `floor`, applied to price lines: two of three events change a price. */
function pricesCatchUpOf(name: string, backlog: number, floor: Scenario, more: Partial<Scenario> = {}): Scenario {
  return {
    name,
    title: `A topic of ${backlog} events applied to price lines by one price-history, relay stopped`,
    mode: 'write',
    targets: [rateOf(floor.name, 1), memory],
    measure: async (bed) => await measureCatchUp(bed, backlog, { service: 'price-history', variable: 'PRICES_DB_DSN' }),
    ...more,
  };
}

export const catchUp = catchUpOf('catch-up', 300_000);
/** The worker's CPU may not grow: 5 % are noise. */
export const catchUpAvro = catchUpOf('catch-up-avro', 300_000, {
  title: 'The same topic in Avro',
  targets: [rateOf('catch-up'), { figure: 'cpu', of: 'catch-up', atMost: 1.05 }, memory],
  measure: async (bed) =>
    await measureCatchUp(bed, 300_000, { service: 'query-worker', variable: 'READ_DB_DSN', codec: 'avro' }),
});
export const pricesCatchUp = pricesCatchUpOf('prices-catch-up', 300_000, catchUp);
export const catchUpMillion = catchUpOf('catch-up-million', 1_002_000, { onlyNamed: true });
export const pricesCatchUpMillion = pricesCatchUpOf('prices-catch-up-million', 1_002_000, catchUpMillion, {
  onlyNamed: true,
});

interface CatchingUp {
  service: 'query-worker' | 'price-history';
  variable: 'READ_DB_DSN' | 'PRICES_DB_DSN';
  codec?: 'json' | 'avro';
}

async function measureCatchUp(
  bed: Bed,
  backlog: number,
  { service, variable, codec = 'json' }: CatchingUp,
): Promise<Measurement> {
  const { system } = bed;
  await bed.empty();
  await appendBacklog(bed, backlog);
  await using topic = await createTopic(system.brokers);
  await relayedUpToHere(bed);
  await using coded = await openCodec(codec, topic.name);
  const topicSettings = { ...system.settings, ...coded.settings };
  await system.run('outbox-relay', 'republish', ['--from', '0', '--topic', topic.name], topicSettings);
  await using db = await createDatabase(system.readDb);
  const settings = { ...topicSettings, [variable]: db.dsn };
  await system.run(service, 'migrate', [], settings);
  await db.sql`checkpoint`;
  const worker = new ServiceProcess(service, system.services[service].port, settings);
  try {
    worker.launch();
    return cpuOf(service, await measureApplied(db.sql, 1, backlog, { service }));
  } finally {
    await worker.stop();
  }
}

const history = 1_002_000; // three of each product, a thousand at once
const liveRate = 500;

/**
 * A rebuild of a large read model by two workers, of which one is killed and restarted, while commands continue; then
 * comparison and switch.
 */
export const rebuild: Scenario = {
  name: 'rebuild',
  title: `${history} events rebuilt by two workers, one killed meanwhile, ${liveRate} creates a second, relay running`,
  mode: 'whole',
  onlyNamed: true,
  targets: [{ figure: 'rebuilt', atMost: 35 }, rate(), { figure: 'switched' }],
  measure: async (bed) => {
    const { system, readDb } = bed;
    const worker = (...args: string[]) => system.run('query-worker', 'cli', args);
    const from = await servingGeneration(readDb);
    const before = await applied(readDb, from);
    await appendBacklog(bed, history);
    await measureApplied(readDb, from, before + history);
    const second = new ServiceProcess('query-worker', 0, system.settings);
    try {
      second.launch();
      await worker('rebuild', 'start');
      const began = performance.now();
      const live = {
        connections: 4,
        perSecond: liveRate,
        requests: { kind: 'create' },
        warmUp: 0,
        duration: 20_000,
      } as const;
      const loading = bed.load(live);
      const crashing = (async () => {
        await delay(8_000);
        await second.kill();
        second.launch();
      })();
      const measured = await measureApplied(readDb, from + 1, before + history);
      const rebuilt = (performance.now() - began) / 1000;
      await Promise.all([loading, crashing]);
      const compared = performance.now();
      console.log((await worker('rebuild', 'switch')).trim());
      const switched = (performance.now() - compared) / 1000;
      await worker('rebuild', 'drop', String(from));
      return { ...measured, rebuilt, switched };
    } finally {
      await second.stop();
    }
  },
};

async function servingGeneration(readDb: Sql): Promise<number> {
  const [row] = await readDb<{ generation: number }[]>`select generation from generations where state = 'serving'`;
  return row?.generation ?? 1;
}

/** Moves the relay's checkpoint to the end: `republish` sends only what the relay has sent. */
async function relayedUpToHere({ writeDb }: Bed): Promise<void> {
  await writeDb`
    insert into cursors as c (reader, transaction_id, position)
    select 'outbox-relay', transaction_id, position from events
    order by events.transaction_id desc, events.position desc limit 1
    on conflict (reader) do update set transaction_id = excluded.transaction_id, position = excluded.position`;
}
