import type { System } from '@catalogue/acceptance';

const longestWait = 30_000;

/** How long a lone client waits from sending a POST until it is answered, and until a GET shows the product, in ms. */
export async function createAndSee(system: System): Promise<{ written: number; visible: number }> {
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
    if (performance.now() - started > longestWait) throw new Error(`Product ${id} was not shown within 30 s`);
  }
}
