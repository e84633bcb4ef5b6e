import type { System } from '@catalogue/acceptance';
import { isProblem } from '@catalogue/client';

const longestWait = 30_000;

/** How long a lone client waits from sending a POST until it is answered, and until a GET shows the product, in ms. */
export async function createAndSee(system: System): Promise<{ written: number; visible: number }> {
  // Without a token: how long it takes is what is measured, not waited for.
  const catalogue = system.client({ readYourWrites: false });
  const started = performance.now();
  const { id } = await catalogue.create({ name: 'Mouse ergonomico', price: 39.9 });
  const written = performance.now() - started;
  for (;;) {
    const shown = await catalogue.get(id).catch(unlessNotFound);
    if (shown !== undefined) return { written, visible: performance.now() - started };
    if (performance.now() - started > longestWait) throw new Error(`Product ${id} was not shown within 30 s`);
  }
}

function unlessNotFound(error: unknown): undefined {
  if (!isProblem(error, 'not-found')) throw error;
}
