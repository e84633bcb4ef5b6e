import { ServiceProcess } from '@catalogue/acceptance';
import { createTopic, waitFor } from '@catalogue/testing';
import type { Bed } from '../bed.ts';
import { coresUsed, cpuTimes, pidOf, residentMemory } from '../processes.ts';
import { memory, type Scenario } from './scenario.ts';

const backlog = 300_000;
// A transaction each: what group commit makes of a busy hour, only larger.
const eventsAtOnce = 1_000;

/** How fast the relay sends what has gathered, once it leads: into a topic of its own, so that the worker has none of it. */
export const drain: Scenario = {
  name: 'drain',
  title: `A backlog of ${backlog} events relayed, worker stopped`,
  mode: 'write',
  targets: [{ figure: 'perSecond', atLeast: 50_000 }, memory],
  measure: async (bed) => {
    await bed.empty();
    await appendBacklog(bed);
    await bed.checkpoint();
    await using topic = await createTopic(bed.system.brokers);
    const settings = { ...bed.system.settings, KAFKA_TOPIC: topic.name };
    // On the port of the relay that is stopped meanwhile.
    const relay = new ServiceProcess('outbox-relay', bed.system.services['outbox-relay'].port, settings);
    try {
      relay.launch();
      return await measureDrain(bed);
    } finally {
      await relay.stop();
    }
  },
};

async function measureDrain(bed: Bed) {
  const last = await lastPosition(bed);
  const left = async () => Math.min(backlog, last - (await cursorPosition(bed)));
  const reached = async (isReached: (left: number) => boolean) => {
    const now = await left();
    return isReached(now) && { left: now, at: performance.now(), cpu: cpuTimes() };
  };
  const began = await waitFor('the relay to begin', () => reached((now) => now < backlog), { every: 5 });
  const all = () => reached((now) => now === 0);
  const ended = await waitFor('the relay to have sent all', all, { within: 120_000, every: 50 });
  const pid = pidOf('outbox-relay');
  const rss = pid === undefined ? undefined : residentMemory(pid);
  return {
    perSecond: (began.left / (ended.at - began.at)) * 1000,
    ...(rss === undefined ? {} : { rss }),
    ...(began.cpu && ended.cpu ? coresUsed(began.cpu, ended.cpu) : {}),
  };
}

async function lastPosition({ writeDb }: Bed): Promise<number> {
  const [row] = await writeDb<{ last: number }[]>`select max(position) as last from events`;
  return row?.last ?? 0;
}

async function cursorPosition({ writeDb }: Bed): Promise<number> {
  const [row] = await writeDb<{ position: number }[]>`select position from cursors where reader = 'outbox-relay'`;
  return row?.position ?? 0;
}

/** Fills the log with products of three versions each, in the form that command-api gives to events. */
async function appendBacklog({ writeDb }: Bed): Promise<void> {
  const products = backlog / 3;
  for (let done = 0; done < backlog; done += eventsAtOnce) {
    const version = Math.floor(done / products) + 1;
    await writeDb`
      insert into events (stream, version, id, type, schema_version, payload, metadata, recorded_at)
      select product, ${version}::integer, gen_random_uuid(), ${version === 1 ? 'ProductCreated' : 'ProductUpdated'}, 1,
        jsonb_build_object('id', product, 'price', n % 10000 / 100.0)
          || case when ${version}::integer = 1 then jsonb_build_object('name', 'Mouse ergonomico ' || n) else '{}' end,
        jsonb_build_object('requestId', gen_random_uuid(), 'subject', 'anonymous',
          'traceparent', '00-' || md5(random()::text) || '-' || left(md5(random()::text), 16) || '-01'),
        now()
      from (
        select n, md5('product ' || n)::uuid as product
        from generate_series(${done % products}::integer, ${(done % products) + eventsAtOnce - 1}::integer) as n
      ) as products`;
  }
}
