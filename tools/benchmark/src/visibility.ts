import type { System } from '@catalogue/acceptance';
import { percentile } from './percentile.ts';

const samples = 50;
const warmUp = 100;

/** How long from sending a POST until a GET shows the product: one after the other, the way of a lone client. */
export async function measureVisibility(system: System): Promise<void> {
  // The broker's JVM and the services compile what they run often: the first hundred are not what users meet.
  for (let i = 0; i < warmUp; i++) await createAndSee(system);
  const times: { written: number; visible: number }[] = [];
  for (let i = 0; i < samples; i++) times.push(await createAndSee(system));
  const written = times.map((time) => time.written);
  const visible = times.map((time) => time.visible);
  console.log(`One client, ${samples} products in sequence, after ${warmUp} to warm up:`);
  console.log(`  POST answered:               p50 ${ms(percentile(written, 50))}, p99 ${ms(percentile(written, 99))}`);
  console.log(`  POST sent to visible in GET: p50 ${ms(percentile(visible, 50))}, p99 ${ms(percentile(visible, 99))}`);
}

const ms = (milliseconds: number) => `${milliseconds.toFixed(1)} ms`;

async function createAndSee(system: System): Promise<{ written: number; visible: number }> {
  const started = performance.now();
  const response = await fetch(`${system.services['command-api'].url}/products`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"name":"Mouse ergonomico","price":39.9}',
  });
  const { id } = (await response.json()) as { id: string };
  const written = performance.now() - started;
  for (;;) {
    const read = await fetch(`${system.services['query-api'].url}/products/${id}`);
    await read.arrayBuffer();
    if (read.status === 200) return { written, visible: performance.now() - started };
  }
}
