import { randomUUID } from 'node:crypto';
import type { Bed } from '../bed.ts';
import { storedEvents } from './log.ts';
import { memory, type Scenario, type Target } from './scenario.ts';

interface Options {
  name: string;
  title: string;
  connections: number;
  /** Sends every command with a different Idempotency-Key. */
  keyed?: boolean;
  /** To a command-api that requires access tokens, with one for each connection. */
  secured?: boolean;
  targets: Target[];
}

/** New products only, relay and worker stopped. */
export function creates({ name, title, connections, keyed = false, secured = false, targets }: Options): Scenario {
  return {
    name,
    title,
    mode: 'write',
    targets: [...targets, memory],
    measure: async (bed) => {
      if (keyed) await requireKeys(bed);
      await bed.empty();
      const keys = keyed ? { keys: `bench-${randomUUID()}-` } : {};
      const { measured, acknowledged } = secured
        ? await loadSecured(bed, connections)
        : await bed.load({ connections, requests: { kind: 'create', ...keys } });
      const stored = await storedEvents(bed);
      if (stored !== acknowledged) throw new Error(`${acknowledged} creates were acknowledged, ${stored} are stored`);
      return measured;
    },
  };
}

async function loadSecured(bed: Bed, connections: number) {
  const { port, pid = 0, url } = await bed.securedCommandApi();
  await requireRefusal(`${url}/products`, { method: 'POST' });
  const { tokens } = await bed.secured();
  const requests = { kind: 'create', tokens } as const;
  return bed.loadOn(pid, { ...bed.times, port, connections, expected: 201, requests });
}

/** Checks that a service requires tokens: not to verify any costs nothing. */
export async function requireRefusal(url: string, init: RequestInit = {}): Promise<void> {
  const { status } = await fetch(url, init);
  if (status !== 401) throw new Error(`${url} is answered ${status} without an access token, not 401`);
}

/** Checks that command-api honours keys: ignored keys cost nothing. */
async function requireKeys({ system }: Bed): Promise<void> {
  const catalogue = system.client();
  const idempotencyKey = randomUUID();
  const create = async () => (await catalogue.create({ name: 'Mouse ergonomico', price: 39.9 }, { idempotencyKey })).id;
  if ((await create()) !== (await create())) {
    throw new Error('Two creates with the same Idempotency-Key made two products: command-api ignores the key');
  }
}
