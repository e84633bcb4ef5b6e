import { setTimeout as delay } from 'node:timers/promises';
import { ServiceProcess } from '@catalogue/acceptance';
import { createDatabase, waitFor } from '@catalogue/testing';
import type { Bed } from '../bed.ts';
import { latencyFigures, percentile } from '../percentile.ts';
import type { Measurement } from '../processes.ts';
import type { Scenario, Target } from './scenario.ts';

interface Options {
  name: string;
  products: number;
  /** Promotions of these products, one after the other. */
  repeats: number;
  /** Milliseconds for claiming the products. */
  lead: number;
  /** Milliseconds of the load of others from the start on. */
  beside: number;
  targets: Target[];
}

const othersPerSecond = 1_000;
const maxWaitMs = 300_000;

/** How late the last new price of a promotion can be read, while others send commands, and what that costs them. */
function lateness({ name, products, repeats, lead, beside, targets }: Options): Scenario {
  const others: Target[] = [
    { figure: 'othersAlone' },
    { figure: 'othersBeside' },
    { figure: 'othersRatio', atMost: 2 },
  ];
  return {
    name,
    title: `A promotion of ${products} products, ${repeats} in sequence, beside ${othersPerSecond} creates a second: startsAt until the last new price is read`,
    mode: 'whole',
    targets: [...targets, ...others],
    measure: async (bed) => {
      await using running = await runPromotions(bed);
      const ids = await running.create(products);
      const lasts: number[] = [];
      const loads: { alone: number; beside: number }[] = [];
      let cores: Measurement = {};
      for (let i = 0; i < repeats; i++) {
        await bed.checkpoint();
        const load = {
          connections: 32,
          perSecond: othersPerSecond,
          requests: { kind: 'create' },
          duration: beside,
        } as const;
        const alone = (await bed.load(load)).measured;
        const startsAt = Date.now() + lead + bed.times.warmUp;
        const promotion = await running.schedule(ids, startsAt);
        const reading = running.lastRead(ids, startsAt);
        await delay(startsAt - bed.times.warmUp - Date.now());
        const [{ measured }, last] = await Promise.all([bed.load(load), reading]);
        lasts.push(last);
        cores = Object.fromEntries(Object.entries(measured).filter(([figure]) => figure.startsWith('cores.')));
        loads.push({ alone: alone['p99'] ?? 0, beside: measured['p99'] ?? 0 });
        await running.undo(promotion);
      }
      return { ...cores, ...latencyFigures(lasts), ...figuresOf(loads) };
    },
  };
}

function figuresOf(loads: readonly { alone: number; beside: number }[]): Measurement {
  const median = (values: number[]) => percentile(values, 50);
  const othersAlone = median(loads.map(({ alone }) => alone));
  const othersBeside = median(loads.map(({ beside }) => beside));
  return { othersAlone, othersBeside, othersRatio: othersBeside / othersAlone };
}

/** promotions, on a database of this run. */
async function runPromotions({ system }: Bed) {
  await using owned = new AsyncDisposableStack();
  const db = owned.use(await createDatabase(system.readDb));
  const settings = { ...system.settings, PROMOTIONS_DB_DSN: db.dsn };
  await system.run('promotions', 'migrate', [], settings);
  const service = new ServiceProcess('promotions', system.services.promotions.port, settings);
  await service.start();
  owned.defer(async () => {
    await service.stop();
  });
  const [catalogue, promotions] = [system.client({ readYourWrites: false }), system.promotionsClient()];
  const stop = new AbortController();
  owned.defer(() => stop.abort());
  const disposal = owned.move();
  const reaches = async (id: string, state: string) =>
    await waitFor(`promotion ${id} to be ${state}`, async () => (await promotions.get(id)).state === state, {
      within: maxWaitMs,
      every: 100,
    });
  return {
    /** Creates products at 10; resolves when promotions knows them. */
    async create(count: number): Promise<string[]> {
      const ids: string[] = [];
      while (ids.length < count) {
        const some = Array.from({ length: Math.min(64, count - ids.length) }, () =>
          catalogue.create({ name: 'Mouse ergonomico', price: 10 }),
        );
        for (const { id } of await Promise.all(some)) ids.push(id);
      }
      const known = async () => {
        const [row] = await db.sql<{ n: number }[]>`
          select count(*)::integer as n from product_prices_read where id = any(${ids}::text[])`;
        return row?.n === count;
      };
      await waitFor('promotions to know the products', known, { within: maxWaitMs, every: 200 });
      return ids;
    },
    /** Schedules a promotion, and resolves when all its products are claimed, before its start. */
    async schedule(products: readonly string[], startsAt: number): Promise<string> {
      const [start, end] = [startsAt, startsAt + 3_600_000].map((at) => new Date(at).toISOString());
      const period = { startsAt: start ?? '', endsBefore: end ?? '' };
      const { id } = await promotions.schedule({ name: 'Sale', products, percent: 20, onRefusal: 'skip', ...period });
      await reaches(id, 'scheduled');
      if (Date.now() >= startsAt) throw new Error('Claiming the products took longer than the time until the start');
      return id;
    },
    /** Resolves with the milliseconds from the start until the stream has shown the new price of every product. */
    async lastRead(products: readonly string[], startsAt: number): Promise<number> {
      const missing = new Set(products);
      const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(maxWaitMs)]);
      for await (const event of catalogue.stream({ signal })) {
        if (event.type === 'reset') throw new Error('The stream lost changes');
        if (event.product.price === 8) missing.delete(event.product.id);
        if (missing.size === 0) return Date.now() - startsAt;
      }
      throw new Error(`${missing.size} products were not shown at their new price`);
    },
    /** Gives the prices back. */
    async undo(id: string): Promise<void> {
      await promotions.cancel(id);
      await reaches(id, 'undone');
    },
    [Symbol.asyncDispose]: () => disposal.disposeAsync(),
  };
}

/** A shop's sale. */
export const smallPromotions = lateness({
  name: 'promotion-1000',
  products: 1_000,
  repeats: 5,
  lead: 3_000,
  beside: 5_000,
  targets: [{ figure: 'p50' }, { figure: 'p99', atMost: 2_000 }],
});

export const largePromotion = lateness({
  name: 'promotion-10000',
  products: 10_000,
  repeats: 1,
  lead: 15_000,
  beside: 10_000,
  targets: [{ figure: 'p99', atMost: 10_000 }],
});
