import { type Catalogue, isProblem, type NewProduct, type Product, type Receipt } from '@catalogue/client';
import { type Command, Commands } from './commands.ts';
import { find, markField, setText } from './elements.ts';
import { History } from './history.ts';
import { formatPrice, readPrice } from './price.ts';
import { refusalOf } from './refusals.ts';

export interface EditorOptions {
  catalogue: Catalogue;
  locale: string;
  /** Told of everything that was carried out, with a sentence about it. */
  saved: (receipt: Receipt, sentence: string) => void;
}

/** The dialog in which a product is created, renamed, repriced and discontinued, and its history read. */
export class Editor {
  readonly #options: EditorOptions;
  readonly #commands: Commands;
  readonly #history: History;
  readonly #dialog = find('editor', HTMLDialogElement);
  readonly #title = find('editor-title', HTMLElement);
  readonly #name = find('name', HTMLInputElement);
  readonly #nameFault = find('name-fault', HTMLElement);
  readonly #price = find('price', HTMLInputElement);
  readonly #priceFault = find('price-fault', HTMLElement);
  readonly #fault = find('editor-fault', HTMLElement);
  readonly #race = find('race', HTMLElement);
  readonly #save = find('save', HTMLButtonElement);
  readonly #discontinue = find('discontinue', HTMLButtonElement);
  /** What is being edited, as it was when that began; undefined for a new product. */
  #base: Product | undefined;
  #discontinueAsked = false;
  #busy = false;

  constructor(options: EditorOptions) {
    this.#options = options;
    this.#commands = new Commands(options.catalogue);
    this.#history = new History(options.catalogue, options.locale);
    find('editor-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#submit();
    });
    find('close', HTMLButtonElement).addEventListener('click', () => this.#dialog.close());
    this.#dialog.addEventListener('close', () => this.#history.show(undefined));
    this.#discontinue.addEventListener('click', () => void this.#askOrDiscontinue());
    find('race-theirs', HTMLButtonElement).addEventListener('click', () => this.#take(this.#base));
    find('race-mine', HTMLButtonElement).addEventListener('click', () => void this.#submit());
  }

  /** Opens it for a product, or for a new one. */
  open(product: Product | undefined): void {
    this.#take(product);
    this.#history.show(product?.id);
    this.#dialog.showModal();
    this.#name.select();
  }

  #take(product: Product | undefined): void {
    this.#base = product;
    setText(this.#title, product?.name ?? 'New product');
    this.#name.value = product?.name ?? '';
    this.#price.value = product === undefined ? '' : formatPrice(product.price, this.#options.locale);
    setText(this.#save, product === undefined ? 'Create' : 'Save');
    this.#discontinue.hidden = product === undefined;
    this.#race.hidden = true;
    this.#ask(false);
    this.#showFaults({ name: '', price: '', whole: '' });
  }

  async #submit(): Promise<void> {
    const wanted = this.#typed();
    if (wanted === undefined) return;
    const base = this.#base;
    if (base === undefined) {
      await this.#send({ type: 'create', product: wanted }, `Created ${wanted.name}.`);
      return;
    }
    const patch = {
      ...(wanted.name === base.name ? {} : { name: wanted.name }),
      ...(wanted.price === base.price ? {} : { price: wanted.price }),
    };
    if (Object.keys(patch).length === 0) this.#dialog.close();
    else await this.#send({ type: 'change', id: base.id, patch, ifMatch: base.version }, `Saved ${wanted.name}.`);
  }

  /** What the fields say; undefined, and shown why, when they cannot be read. */
  #typed(): NewProduct | undefined {
    const name = this.#name.value.trim();
    const typed = readPrice(this.#price.value, this.#options.locale);
    const faults = {
      name: name === '' ? 'A name is missing.' : '',
      price: 'fault' in typed ? typed.fault : '',
      whole: '',
    };
    this.#showFaults(faults);
    return faults.name === '' && 'price' in typed ? { name, price: typed.price } : undefined;
  }

  async #askOrDiscontinue(): Promise<void> {
    if (this.#base === undefined) return;
    if (!this.#discontinueAsked) {
      this.#ask(true);
      return;
    }
    const { id, name, version } = this.#base;
    await this.#send({ type: 'discontinue', id, ifMatch: version }, `Discontinued ${name}.`);
  }

  #ask(asked: boolean): void {
    this.#discontinueAsked = asked;
    setText(this.#discontinue, asked ? 'Discontinue for good?' : 'Discontinue');
  }

  async #send(command: Command, sentence: string): Promise<void> {
    if (this.#busy) return;
    this.#setBusy(true);
    this.#race.hidden = true;
    try {
      const receipt = await this.#commands.send(command);
      this.#dialog.close();
      this.#options.saved(receipt, sentence);
    } catch (error) {
      if (isProblem(error, 'version-mismatch')) await this.#showRace();
      else this.#showFaults(refusalOf(error));
    } finally {
      this.#setBusy(false);
    }
    if (!this.#race.hidden) find('race-theirs', HTMLButtonElement).focus();
  }

  #setBusy(busy: boolean): void {
    this.#busy = busy;
    for (const button of this.#dialog.querySelectorAll('button')) button.disabled = busy && button.id !== 'close';
    if (busy) setText(this.#fault, 'Saving');
    else if (this.#fault.textContent === 'Saving') setText(this.#fault, '');
  }

  /** Somebody was faster: both versions, and the question which one is to stay. */
  async #showRace(): Promise<void> {
    const base = this.#base;
    if (base === undefined) return;
    const yours = this.#typed();
    const now = await this.#newer(base);
    if (now === undefined) return;
    this.#base = now;
    setText(find('race-now', HTMLElement), `Now (version ${now.version})`);
    setText(find('race-name-now', HTMLElement), now.name);
    setText(find('race-price-now', HTMLElement), formatPrice(now.price, this.#options.locale));
    setText(find('race-name-yours', HTMLElement), yours?.name ?? '');
    setText(
      find('race-price-yours', HTMLElement),
      yours === undefined ? '' : formatPrice(yours.price, this.#options.locale),
    );
    this.#race.hidden = false;
    this.#ask(false);
    this.#history.show(now.id);
  }

  /** The product at the version that the command met: the read side may still be on its way there. */
  async #newer(base: Product): Promise<Product | undefined> {
    const { catalogue } = this.#options;
    try {
      for (let tries = 0; tries < 20; tries++) {
        const now = await catalogue.get(base.id);
        if (now.version > base.version) return now;
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
      setText(this.#fault, 'Somebody changed this product meanwhile, and the change is not shown yet. Try again.');
    } catch (error) {
      this.#showFaults(
        isProblem(error, 'not-found')
          ? { name: '', price: '', whole: 'Somebody has discontinued this product meanwhile.' }
          : refusalOf(error),
      );
    }
    return undefined;
  }

  #showFaults({ name, price, whole }: { name: string; price: string; whole: string }): void {
    markField(this.#name, this.#nameFault, name);
    markField(this.#price, this.#priceFault, price);
    setText(this.#fault, whole);
    if (name !== '') this.#name.focus();
    else if (price !== '') this.#price.focus();
  }
}
