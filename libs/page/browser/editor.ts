import { type Catalogue, isProblem, type NewProduct, type Product, type Receipt } from '@catalogue/client';
import { type Command, Commands } from './commands.ts';
import { find, isolated, markField, setText } from './elements.ts';
import { History } from './history.ts';
import { formatPrice, readPrice } from './price.ts';
import { type LoadPicture, PriceLine } from './price-line.ts';
import { Race } from './race.ts';
import { refusalOf } from './refusals.ts';

export interface EditorOptions {
  catalogue: Catalogue;
  locale: string;
  /** The name of a promotion; undefined if it is not known. */
  promotionName: (id: string) => string | undefined;
  /** The address of price-history; empty without it. */
  prices: string;
  /** Gets pictures of price-history, if they need an access token. */
  loadPicture: LoadPicture | undefined;
  /** Called after each command that took effect, with a sentence about it. */
  saved: (receipt: Receipt, sentence: string) => void;
  /** Called with a sentence when a command fails after its dialog was closed, and with an empty text when the dialog opens. */
  notSaved: (sentence: string) => void;
}

/** The dialog that creates, renames, reprices and discontinues a product, and shows its history. */
export class Editor {
  readonly #options: EditorOptions;
  readonly #commands: Commands;
  readonly #history: History;
  readonly #priceLine: PriceLine;
  readonly #dialog = find('editor', HTMLDialogElement);
  readonly #title = find('editor-title', HTMLElement);
  readonly #name = find('name', HTMLInputElement);
  readonly #nameFault = find('name-fault', HTMLElement);
  readonly #price = find('price', HTMLInputElement);
  readonly #priceFault = find('price-fault', HTMLElement);
  readonly #fault = find('editor-fault', HTMLElement);
  readonly #state = find('editor-state', HTMLElement);
  readonly #race: Race;
  readonly #save = find('save', HTMLButtonElement);
  readonly #discontinue = find('discontinue', HTMLButtonElement);
  /** The product as it was when editing began; undefined for a new product. */
  #base: Product | undefined;
  /** The fields that the user has changed since. */
  readonly #touched = new Set<HTMLInputElement>();
  #discontinueAsked = false;
  #busy = false;
  /** A new object each time the dialog opens or closes: answers to commands of an earlier opening do not change this one. */
  #opening = {};

  constructor(options: EditorOptions) {
    this.#options = options;
    this.#commands = new Commands(options.catalogue);
    this.#history = new History(options.catalogue, options.locale);
    this.#priceLine = new PriceLine(
      options.catalogue,
      options.prices,
      options.locale,
      options.promotionName,
      options.loadPicture,
    );
    find('editor-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#submit();
    });
    for (const field of [this.#name, this.#price]) field.addEventListener('input', () => this.#touched.add(field));
    find('close', HTMLButtonElement).addEventListener('click', () => this.#dialog.close());
    this.#dialog.addEventListener('close', () => this.#closed());
    this.#discontinue.addEventListener('click', () => void this.#askOrDiscontinue());
    this.#race = new Race(options.locale, {
      theirs: () => {
        this.#take(this.#base);
        this.#name.focus();
      },
      mine: () => void this.#submit(),
    });
  }

  /** Opens the dialog for a product, or for a new one if undefined. */
  open(product: Product | undefined): void {
    this.#opening = {};
    this.#setBusy(false);
    this.#options.notSaved('');
    this.#take(product);
    this.#history.show(product?.id);
    this.#priceLine.show(product?.id);
    this.#dialog.showModal();
    this.#name.select();
  }

  #closed(): void {
    if (this.#dialog.open) return;
    this.#opening = {};
    this.#history.show(undefined);
    this.#priceLine.show(undefined);
  }

  #take(product: Product | undefined): void {
    this.#touched.clear();
    this.#follow(product);
    setText(this.#save, product === undefined ? 'Create' : 'Save');
    this.#discontinue.hidden = product === undefined;
    this.#race.hide();
    this.#ask(false);
    this.#showFaults({ name: '', price: '', whole: '' });
  }

  /** Edits continue from this version. Fields that the user has not changed take its values. */
  #follow(product: Product | undefined): void {
    this.#base = product;
    setText(this.#title, product?.name ?? 'New product');
    if (!this.#touched.has(this.#name)) this.#name.value = product?.name ?? '';
    if (this.#touched.has(this.#price)) return;
    this.#price.value = product === undefined ? '' : formatPrice(product.price, this.#options.locale);
  }

  async #submit(): Promise<void> {
    const wanted = this.#busy ? undefined : this.#typed();
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

  /** The product that the fields describe; undefined, with the faults shown, if a field is invalid. */
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
    if (this.#base === undefined || this.#busy) return;
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
    const opening = this.#opening;
    const title = this.#base?.name ?? this.#name.value.trim();
    this.#setBusy(true);
    this.#race.hide();
    try {
      const receipt = await this.#commands.send(command);
      if (this.#opening === opening) this.#dialog.close();
      this.#options.saved(receipt, sentence);
    } catch (error) {
      if (this.#opening === opening) await this.#refused(command, error, opening);
      else this.#options.notSaved(`${isolated(title)} was not saved as you wanted. ${sentenceOf(error)}`);
    }
    if (this.#opening === opening) this.#setBusy(false);
  }

  async #refused(command: Command, error: unknown, opening: object): Promise<void> {
    const base = this.#base;
    if (base === undefined || !isProblem(error, 'version-mismatch')) {
      this.#showFaults(refusalOf(error));
      this.#keepFocus();
      return;
    }
    const now = await this.#newer(base);
    if (this.#opening !== opening) return;
    if (typeof now === 'string') this.#showFaults({ name: '', price: '', whole: now });
    else if (command.type === 'discontinue') this.#askAgain(base, now);
    else this.#showRace(now);
    this.#keepFocus();
  }

  /** The button that the user pressed may be hidden by now. */
  #keepFocus(): void {
    if (this.#race.isShown) this.#race.focus();
    else if (!this.#dialog.contains(document.activeElement)) this.#save.focus();
  }

  /** Not really disabled: a disabled button would lose the focus. */
  #setBusy(busy: boolean): void {
    this.#busy = busy;
    for (const button of [this.#save, this.#discontinue]) button.setAttribute('aria-disabled', String(busy));
    setText(this.#state, busy ? 'Saving' : '');
  }

  #showRace(now: Product): void {
    // The user changed a field meanwhile, and it is invalid now: its fault is shown.
    if (this.#typed() === undefined) return;
    this.#follow(now);
    const yours = this.#typed();
    if (yours !== undefined) this.#race.show(now, yours);
    this.#ask(false);
    this.#history.show(now.id);
    this.#priceLine.show(now.id);
  }

  /** Somebody changed the product that the user wants to discontinue, so this asks again. */
  #askAgain(before: Product, now: Product): void {
    const was = ({ name, price }: Product) => `${isolated(name)} at ${formatPrice(price, this.#options.locale)}`;
    this.#take(now);
    this.#history.show(now.id);
    this.#priceLine.show(now.id);
    const whole = `Somebody changed this product meanwhile, from ${was(before)} to ${was(now)}. Discontinue it all the same?`;
    this.#showFaults({ name: '', price: '', whole });
  }

  /** The product at a version after `base`, which the read model may not show yet; or a sentence why it is unavailable. */
  async #newer(base: Product): Promise<Product | string> {
    try {
      for (let tries = 0; tries < 20; tries++) {
        const now = await this.#options.catalogue.get(base.id);
        if (now.version > base.version) return now;
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
      return 'Somebody changed this product meanwhile, and the change is not shown yet. Try again.';
    } catch (error) {
      return isProblem(error, 'not-found')
        ? 'Somebody has discontinued this product meanwhile.'
        : refusalOf(error).whole;
    }
  }

  #showFaults({ name, price, whole }: { name: string; price: string; whole: string }): void {
    markField(this.#name, this.#nameFault, name);
    markField(this.#price, this.#priceFault, price);
    setText(this.#fault, whole);
    if (name !== '') this.#name.focus();
    else if (price !== '') this.#price.focus();
  }
}

function sentenceOf(error: unknown): string {
  if (isProblem(error, 'version-mismatch')) return 'Somebody changed it meanwhile.';
  const { name, price, whole } = refusalOf(error);
  return name || price || whole;
}
