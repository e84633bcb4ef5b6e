import { type Catalogue, CatalogueUnreachable, isProblem, type ProductPatch, type Written } from '@catalogue/client';

/** What clients know of a product: everything acknowledged, and what may have happened besides. */
export interface Told {
  id: string;
  /** The highest acknowledged version. */
  version: number;
  name: string;
  price: number;
  discontinued: boolean;
  /** A command's answer was lost: it may have been carried out, so only acknowledged changes are expected. */
  uncertain: boolean;
}

/**
 * Clients that create, change and discontinue products without a pause, and remember every answer. They repeat a command whose
 * answer is lost, so a command that takes effect twice shows as a version too many.
 */
export class Load {
  readonly told = new Map<string, Told>();
  readonly #catalogue: Catalogue;
  readonly #stop = new AbortController();
  readonly #clients: Promise<void>[];
  acknowledged = 0;
  unanswered = 0;

  constructor(catalogue: Catalogue, clients = 8) {
    this.#catalogue = catalogue;
    this.#clients = Array.from({ length: clients }, (_, index) => this.#client(index));
  }

  /** Stops the clients, each after its next answer. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#clients);
  }

  async #client(index: number): Promise<void> {
    for (let round = 0; !this.#stop.signal.aborted; round++) {
      const name = `Product ${index}-${round}`;
      const price = round / 100;
      const created = await this.#answer(this.#catalogue.create({ name, price }));
      if (created === undefined) continue;
      const { id, version } = created;
      const product: Told = { id, version, name, price, discontinued: false, uncertain: false };
      this.told.set(id, product);
      await this.#change(product, { price: (round + 1) / 100 });
      await this.#change(product, { name: `${name} renamed` });
      if (round % 5 === 0) await this.#discontinue(product);
    }
  }

  async #change(product: Told, patch: ProductPatch): Promise<void> {
    const answer = await this.#answer(this.#catalogue.change(product.id, patch));
    if (answer === undefined) product.uncertain = true;
    else Object.assign(product, patch, { version: answer.version });
  }

  async #discontinue(product: Told): Promise<void> {
    const answer = await this.#answer(this.#catalogue.discontinue(product.id));
    if (answer === undefined) product.uncertain = true;
    else Object.assign(product, { discontinued: true, version: answer.version });
  }

  /** The answer of a command; undefined when its outcome is unknown. Throws a refusal that no fault explains. */
  async #answer(command: Promise<Written>): Promise<Written | undefined> {
    try {
      const answer = await command;
      this.acknowledged += 1;
      return answer;
    } catch (error) {
      if (!(error instanceof CatalogueUnreachable) && !isProblem(error, 'unavailable', 'overloaded')) throw error;
      this.unanswered += 1;
      return undefined;
    }
  }
}
