import { setTimeout as delay } from 'node:timers/promises';

/** What clients know of a product: everything acknowledged, and what may have happened besides. */
export interface Told {
  id: string;
  /** The highest version that was acknowledged. */
  version: number;
  name: string;
  price: number;
  discontinued: boolean;
  /** A command's answer was lost: it may have been carried out. From then on only what is certain is expected. */
  uncertain: boolean;
}

interface Answer {
  status: number;
  id?: string;
  version?: number;
}

/** Clients that create, change and discontinue products without a pause, and remember every answer. */
export class Load {
  readonly told = new Map<string, Told>();
  readonly #url: () => string;
  readonly #stop = new AbortController();
  readonly #clients: Promise<void>[];
  acknowledged = 0;
  unanswered = 0;

  constructor(url: () => string, clients = 8) {
    this.#url = url;
    this.#clients = Array.from({ length: clients }, (_, index) => this.#client(index));
  }

  /** Ends the clients, each after the answer that it waits for. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#clients);
  }

  async #client(index: number): Promise<void> {
    for (let round = 0; !this.#stop.signal.aborted; round++) {
      const name = `Product ${index}-${round}`;
      const created = await this.#send('POST', '/products', { name, price: round / 100 });
      if (created?.id === undefined) continue;
      const product: Told = {
        id: created.id,
        version: 1,
        name,
        price: round / 100,
        discontinued: false,
        uncertain: false,
      };
      this.told.set(product.id, product);
      await this.#change(product, { price: (round + 1) / 100 });
      await this.#change(product, { name: `${name} renamed` });
      if (round % 5 === 0) await this.#discontinue(product);
    }
  }

  async #change(product: Told, change: { name?: string; price?: number }): Promise<void> {
    const answer = await this.#send('PUT', `/products/${product.id}`, change);
    if (answer === undefined) product.uncertain = true;
    else Object.assign(product, change, { version: answer.version });
  }

  async #discontinue(product: Told): Promise<void> {
    const answer = await this.#send('DELETE', `/products/${product.id}`);
    if (answer === undefined) product.uncertain = true;
    else Object.assign(product, { discontinued: true, version: answer.version });
  }

  /** The answer of a command that was carried out; undefined when nobody knows. */
  async #send(method: string, path: string, body?: object): Promise<Answer | undefined> {
    try {
      const response = await fetch(`${this.#url()}${path}`, {
        method,
        ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      });
      const answer = (await response.json()) as Answer;
      if (response.ok) {
        this.acknowledged += 1;
        return answer;
      }
      if (response.status !== 503)
        throw new Unexpected(`${method} ${path} was answered ${response.status}: ${JSON.stringify(answer)}`);
    } catch (error) {
      if (error instanceof Unexpected) throw error;
    }
    this.unanswered += 1;
    await delay(20);
    return undefined;
  }
}

/** An answer that no fault excuses. */
class Unexpected extends Error {}
