import type { Catalogue, NewProduct, ProductPatch, Receipt } from '@catalogue/client';

export type Command =
  | { type: 'create'; product: NewProduct }
  | { type: 'change'; id: string; patch: ProductPatch; ifMatch: number }
  | { type: 'discontinue'; id: string; ifMatch: number };

/**
 * Sends commands. A command without an answer may have taken effect: pressing the button again sends it with the same
 * key, so it takes effect once.
 */
export class Commands {
  readonly #catalogue: Catalogue;
  /** The keys of the commands without an answer, by command. */
  readonly #unanswered = new Map<string, string>();

  constructor(catalogue: Catalogue) {
    this.#catalogue = catalogue;
  }

  /** @throws {CatalogueProblem | CatalogueUnreachable} */
  async send(command: Command): Promise<Receipt> {
    const text = JSON.stringify(command);
    const idempotencyKey = this.#unanswered.get(text) ?? newKey();
    this.#unanswered.set(text, idempotencyKey);
    const receipt = await this.#sendWith(command, idempotencyKey);
    this.#unanswered.delete(text);
    return receipt;
  }

  async #sendWith(command: Command, idempotencyKey: string): Promise<Receipt> {
    switch (command.type) {
      case 'create':
        return this.#catalogue.create(command.product, { idempotencyKey });
      case 'change':
        return this.#catalogue.change(command.id, command.patch, { idempotencyKey, ifMatch: command.ifMatch });
      case 'discontinue':
        return this.#catalogue.discontinue(command.id, { idempotencyKey, ifMatch: command.ifMatch });
      default:
        return command satisfies never;
    }
  }
}

/** A key that no other command has. */
export function newKey(): string {
  return [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(36)).join('-');
}
