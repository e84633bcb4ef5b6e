import type { Product } from '@catalogue/client';

/** The products that the user has selected, also those that the list does not show at the moment. */
export class Selection {
  readonly #products = new Map<string, Product>();
  readonly #listeners: (() => void)[] = [];

  get products(): readonly Product[] {
    return [...this.#products.values()];
  }

  has(id: string): boolean {
    return this.#products.has(id);
  }

  /** Calls the function after each change. */
  listen(changed: () => void): void {
    this.#listeners.push(changed);
  }

  set(products: readonly Product[], isSelected: boolean): void {
    for (const product of products) {
      if (isSelected) this.#products.set(product.id, product);
      else this.#products.delete(product.id);
    }
    this.#tell();
  }

  /** A discontinued product cannot be in a promotion. */
  drop(id: string): void {
    if (this.#products.delete(id)) this.#tell();
  }

  clear(): void {
    this.#products.clear();
    this.#tell();
  }

  #tell(): void {
    for (const changed of this.#listeners) changed();
  }
}
