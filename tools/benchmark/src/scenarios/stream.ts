import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { waitFor } from '@catalogue/testing';
import { watchMemory } from '../bed.ts';
import { few } from './reads.ts';
import { memory, type Scenario } from './scenario.ts';

const clients = 1_000;
const changes = 1_000;
const openBatchSize = 50;

/** Streams that receive changes as they happen; a missed change fails the scenario. */
export const streams: Scenario = {
  name: 'streams-1000',
  title: `${clients} clients of the stream, each told of ${changes} changes`,
  mode: 'write',
  targets: [{ figure: 'told' }, memory],
  measure: async (bed) => {
    const shop = await bed.shop(few);
    await using watched = watchMemory(shop.api.pid);
    await using open = await openAll(`${shop.api.url}/products/stream`);
    const began = performance.now();
    for (let i = 0; i < 10; i++) await shop.change(changes / 10, 'updated');
    await waitFor('all to be told of all', () => Promise.resolve(open.counts().every((count) => count === changes)), {
      within: 60_000,
    });
    return { told: (performance.now() - began) / 1000, ...watched.highest() };
  },
};

async function openAll(url: string) {
  const requests: ClientRequest[] = [];
  const counts = Array.from({ length: clients }, () => 0);
  const open = async (index: number) => {
    const one = request(url, { agent: false }).end();
    requests.push(one);
    const [response] = (await once(one, 'response')) as [IncomingMessage];
    if (response.statusCode !== 200) throw new Error(`A stream was answered by ${response.statusCode}`);
    let rest = '';
    response.setEncoding('latin1').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      counts[index] = (counts[index] ?? 0) + lines.filter((line) => line.startsWith('data: ')).length;
    });
    response.on('error', () => {});
  };
  for (let i = 0; i < clients; i += openBatchSize)
    await Promise.all(counts.slice(i, i + openBatchSize).map((_, j) => open(i + j)));
  return {
    counts: () => counts,
    async [Symbol.asyncDispose]() {
      for (const one of requests) one.destroy();
    },
  };
}
