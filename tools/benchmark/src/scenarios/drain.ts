import { ServiceProcess } from '@catalogue/acceptance';
import { createTopic, waitFor } from '@catalogue/testing';
import type { Bed } from '../bed.ts';
import { coresUsed, cpuTimes, type Measurement, memoryOf } from '../processes.ts';
import { appendBacklog } from './log.ts';
import { bytesOf, cpuOf, openCodec, sampleEvents } from './codec.ts';
import { memory, rate, rateOf, type Scenario } from './scenario.ts';

const backlog = 300_000;

/** The rate at which a relay sends a backlog, into a separate topic, which the worker does not read. */
export const drain: Scenario = {
  name: 'drain',
  title: `A backlog of ${backlog} events relayed, worker stopped`,
  mode: 'write',
  targets: [rate(55_000), { figure: 'cpu' }, { figure: 'alone' }, { figure: 'batched' }, { figure: 'disk' }, memory],
  measure: async (bed) => await drainIn(bed, 'json'),
};

export const drainAvro: Scenario = {
  name: 'drain-avro',
  title: `The same in Avro`,
  mode: 'write',
  targets: [rateOf('drain'), ...['cpu', 'alone', 'batched', 'disk'].map((figure) => ({ figure, of: 'drain' })), memory],
  measure: async (bed) => await drainIn(bed, 'avro'),
};

async function drainIn(bed: Bed, codec: 'json' | 'avro'): Promise<Measurement> {
  const { system } = bed;
  await bed.empty();
  await appendBacklog(bed, backlog);
  await bed.checkpoint();
  await using topic = await createTopic(system.brokers);
  await using coded = await openCodec(codec, topic.name);
  // On the port of the stopped relay.
  const { port } = system.services['outbox-relay'];
  const relay = new ServiceProcess('outbox-relay', port, { ...system.settings, ...coded.settings });
  try {
    relay.launch();
    const measured = await measureDrain(bed);
    const bytes = system.bytesOf(topic.name);
    return {
      ...cpuOf('outbox-relay', measured),
      ...bytesOf(sampleEvents().map(coded.encode)),
      ...(bytes === undefined ? {} : { disk: bytes / backlog }),
    };
  } finally {
    await relay.stop();
  }
}

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
  return {
    perSecond: (began.left / (ended.at - began.at)) * 1000,
    ...memoryOf('outbox-relay'),
    ...coresUsed(began.cpu, ended.cpu),
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
