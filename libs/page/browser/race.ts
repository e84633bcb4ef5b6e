import type { NewProduct, Product } from '@catalogue/client';
import { find, setText } from './elements.ts';
import { formatPrice } from './price.ts';

/** Somebody else changed the product first: shows both versions, and asks which one to keep. */
export class Race {
  readonly #locale: string;
  readonly #section = find('race', HTMLElement);
  readonly #keep = find('race-theirs', HTMLButtonElement);

  constructor(locale: string, answers: { theirs: () => void; mine: () => void }) {
    this.#locale = locale;
    this.#keep.addEventListener('click', answers.theirs);
    find('race-mine', HTMLButtonElement).addEventListener('click', answers.mine);
  }

  get isShown(): boolean {
    return !this.#section.hidden;
  }

  show(now: Product, yours: NewProduct): void {
    setText(find('race-now', HTMLElement), `Now (version ${now.version})`);
    setText(find('race-name-now', HTMLElement), now.name);
    setText(find('race-price-now', HTMLElement), formatPrice(now.price, this.#locale));
    setText(find('race-name-yours', HTMLElement), yours.name);
    setText(find('race-price-yours', HTMLElement), formatPrice(yours.price, this.#locale));
    this.#section.hidden = false;
  }

  hide(): void {
    this.#section.hidden = true;
  }

  focus(): void {
    this.#keep.focus();
  }
}
