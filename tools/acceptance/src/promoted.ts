import { setTimeout as delay } from 'node:timers/promises';
import { type Catalogue, isProblem, type Promotions } from '@catalogue/client';
import { connect } from '@catalogue/postgres';
import { countSteps, findUnreturnedPrices, waitFor } from '@catalogue/testing';
import { findMisannounced } from './announced.ts';
import type { System } from './system.ts';

const over: readonly string[] = ['ended', 'undone', 'missed', 'cancelled', 'needs-attention'];
const productsOfOne = 10;
/**
 * Milliseconds that promotions last, in turn. Short ones are over before the next fault, so a fault falls into each
 * phase; in a long outage they are missed. Long ones outlast the restart of a service, so that prices are applied and
 * given back in every round.
 */
const lastings = [4_000, 30_000];

/** Short promotions of products of their own, and what other people change of these products meanwhile. */
export class Promoted {
  readonly #system: System;
  readonly #catalogue: Catalogue;
  readonly #promotions: Promotions;
  readonly #ids: string[] = [];
  readonly #products: string[] = [];
  readonly #others: Promise<unknown>[] = [];

  constructor(system: System) {
    this.#system = system;
    this.#catalogue = system.client({ readYourWrites: false });
    this.#promotions = system.promotionsClient();
  }

  /** Creates products, schedules a promotion of them, and begins to change three of them as others would. */
  async another(): Promise<void> {
    const index = this.#ids.length;
    const lastsMs = lastings[index % lastings.length] ?? 0;
    const names = Array.from({ length: productsOfOne }, (_, n) => `Promoted ${index}-${n}`);
    const created = await Promise.all(names.map((name, n) => this.#catalogue.create({ name, price: 10 + n })));
    const products = created.map(({ id }) => id);
    this.#products.push(...products);
    const promotion = await waitFor(
      'promotions to know the products',
      async () => await this.#schedule(products, index, lastsMs),
      {
        within: 300_000,
        every: 50,
      },
    );
    this.#ids.push(promotion.id);
    const [repriced = '', renamed = '', discontinued = ''] = products;
    const pause = async () => await delay(Math.random() * lastsMs * 1.5);
    const change = async (id: string, patch: { price?: number; name?: string }) => {
      await pause();
      await this.#catalogue.change(id, patch);
    };
    const discontinue = async (id: string) => {
      await pause();
      await this.#catalogue.discontinue(id);
    };
    const changes = [
      change(repriced, { price: 500 }),
      change(renamed, { name: `${names[1]} renamed` }),
      discontinue(discontinued),
    ];
    // A change that is lost in an outage leaves the product as it was.
    this.#others.push(Promise.allSettled(changes));
  }

  async #schedule(products: string[], index: number, lastsMs: number): Promise<{ id: string } | undefined> {
    const startsAt = new Date();
    const period = {
      startsAt: startsAt.toISOString(),
      endsBefore: new Date(startsAt.getTime() + lastsMs).toISOString(),
    };
    const onRefusal = index % 4 < 2 ? 'skip' : 'undo';
    try {
      return await this.#promotions.schedule({ name: `Sale ${index}`, products, percent: 20, onRefusal, ...period });
    } catch (error) {
      // The products have not come through Kafka yet.
      if (isProblem(error, 'invalid-request')) return undefined;
      throw error;
    }
  }

  /**
   * Waits until all promotions are over. Returns in a sentence each that is not, each product whose price was not given
   * back, and each event that is not on the topic of promotions. Also if no promotion applied a price, or none gave one
   * back: then nothing was tested.
   */
  async findViolations(): Promise<string[]> {
    await Promise.all(this.#others);
    const open = await waitFor(
      'the promotions to be over',
      async () => ((await this.#open()).length === 0 ? [] : undefined),
      {
        within: 300_000,
        every: 500,
      },
    ).catch(() => this.#open());
    const sql = connect(this.#system.writeDb, { name: 'oracle', max: 1 });
    try {
      const misannounced = this.#system.withPromotionEvents ? await findMisannounced(this.#system, this.#ids) : [];
      const idle = idlenessOf(await countSteps(sql, this.#products));
      return [...open, ...(await findUnreturnedPrices(sql, this.#products)), ...misannounced, ...idle];
    } finally {
      await sql.end();
    }
  }

  /** Those that are not over, or need an operator and do not say why. */
  async #open(): Promise<string[]> {
    const shown = await Promise.all(this.#ids.map((id) => this.#promotions.get(id)));
    return shown
      .filter(({ state, reason }) => !over.includes(state) || (state === 'needs-attention' && reason === null))
      .map(({ id, state }) => `Promotion ${id} is still ${state}`);
  }
}

/** What promotions never did, in sentences. */
export function idlenessOf({ applied, givenBack }: { applied: number; givenBack: number }): string[] {
  return [
    ...(applied === 0 ? ['No promotion applied a price'] : []),
    ...(givenBack === 0 ? ['No promotion gave a price back'] : []),
  ];
}
