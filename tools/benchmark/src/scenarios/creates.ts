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
  targets: Target[];
}

/** New products only, relay and worker stopped. */
export function creates({ name, title, connections, keyed = false, targets }: Options): Scenario {
  return {
    name,
    title,
    mode: 'write',
    targets: [...targets, memory],
    measure: async (bed) => {
      if (keyed) await requireKeys(bed);
      await bed.empty();
      const requests = { kind: 'create', ...(keyed ? { keys: `bench-${randomUUID()}-` } : {}) } as const;
      const { measured, acknowledged } = await bed.load({ connections, requests });
      const stored = await storedEvents(bed);
      if (stored !== acknowledged) throw new Error(`${acknowledged} creates were acknowledged, ${stored} are stored`);
      return measured;
    },
  };
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
