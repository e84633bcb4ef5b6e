import {
  CatalogueProblem,
  type PromotionItem,
  type PromotionProgress,
  type Promotions,
  type PromotionTransition,
} from '@catalogue/client';
import { find, isolated, make, setText } from './elements.ts';
import { formatPrice } from './price.ts';
import { showProgress } from './promotion-list.ts';
import {
  countsOf,
  doneOf,
  type Operation,
  operationsOf,
  periodOf,
  progressOf,
  ruleOf,
  stateOf,
} from './promotion-words.ts';
import { signedOut } from './refusals.ts';
import { wordsOf } from './rights.ts';
import { SignedOut } from './signed-out.ts';
import { Wake } from './wake.ts';

export interface PromotionDialogOptions {
  promotions: Promotions;
  locale: string;
  /** The names of products, in the order of their ids; the id of a product without a known name. */
  namesOf: (ids: readonly string[]) => Promise<string[]>;
  /** Called with a sentence after an operation that took effect. */
  done: (sentence: string) => void;
  /** Called with a sentence after one that failed when the dialog was closed; with an empty text when the dialog opens. */
  notDone: (sentence: string) => void;
}

const everyMs = 1_000;
/** Products of each state that are listed. */
const listed = 20;
const exceptions = ['failed', 'refused', 'kept', 'gone', 'untouched'] as const;

const headings: Record<(typeof exceptions)[number], string> = {
  failed: 'Failed',
  refused: 'Took no part',
  kept: 'Kept as others left them',
  gone: 'Discontinued meanwhile',
  untouched: 'Not reached',
};

const operations: Record<Operation, { ask: string; asked: string }> = {
  cancel: { ask: 'Cancel promotion', asked: 'Cancel it for good?' },
  retry: { ask: 'Try again', asked: '' },
  keep: { ask: 'Keep its prices', asked: 'Keep its prices for good?' },
};

/** The dialog that shows a promotion, follows its progress, and cancels, retries or keeps it. */
export class PromotionDialog {
  readonly #options: PromotionDialogOptions;
  readonly #dialog = find('promotion', HTMLDialogElement);
  readonly #title = find('promotion-title', HTMLElement);
  readonly #state = find('promotion-state', HTMLElement);
  readonly #bar = find('promotion-bar', HTMLProgressElement);
  readonly #facts = find('promotion-facts', HTMLElement);
  readonly #counts = find('promotion-counts', HTMLElement);
  readonly #reason = find('promotion-reason', HTMLElement);
  readonly #exceptions = find('promotion-exceptions', HTMLElement);
  readonly #log = find('promotion-log', HTMLOListElement);
  readonly #fault = find('promotion-fault', HTMLElement);
  readonly #close = find('promotion-close', HTMLButtonElement);
  readonly #buttons: Record<Operation, HTMLButtonElement>;
  readonly #wake = new Wake();
  #following = new AbortController();
  #promotion: PromotionProgress | undefined;
  /** The details belong to this state of the promotion. */
  #detailed = '';
  #asked: Operation | undefined;
  #isBusy = false;

  constructor(options: PromotionDialogOptions) {
    this.#options = options;
    const button = (operation: Operation) => {
      const element = find(`promotion-${operation}`, HTMLButtonElement);
      element.addEventListener('click', () => void this.#press(operation));
      return element;
    };
    this.#buttons = { cancel: button('cancel'), retry: button('retry'), keep: button('keep') };
    this.#close.addEventListener('click', () => this.#dialog.close());
    this.#dialog.addEventListener('close', () => this.#following.abort());
    document.addEventListener('visibilitychange', () => this.#wake.now());
  }

  /** To be called for each promotion that has changed. */
  hear({ id }: PromotionProgress): void {
    if (this.#promotion?.id === id) this.#wake.now();
  }

  open({ id, name }: { id: string; name: string }): void {
    this.#following.abort();
    this.#following = new AbortController();
    this.#promotion = undefined;
    this.#detailed = '';
    this.#setBusy(false);
    this.#options.notDone('');
    setText(this.#title, name);
    setText(this.#state, 'Loading');
    setText(this.#fault, '');
    for (const element of [this.#facts, this.#counts, this.#reason]) setText(element, '');
    this.#exceptions.replaceChildren();
    this.#log.replaceChildren();
    showProgress(this.#bar, undefined);
    this.#ask(undefined);
    for (const button of Object.values(this.#buttons)) button.hidden = true;
    this.#dialog.showModal();
    this.#close.focus();
    void this.#follow(id, this.#following.signal);
  }

  async #follow(id: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (!document.hidden) await this.#load(id, signal);
      await this.#wake.after(everyMs);
    }
  }

  async #load(id: string, signal: AbortSignal): Promise<void> {
    const { promotions } = this.#options;
    try {
      const promotion = await promotions.get(id, { signal });
      if (signal.aborted) return;
      this.#show(promotion);
      const detailed = `${promotion.version} ${Object.values(promotion.items).join(' ')}`;
      if (detailed === this.#detailed) return;
      await this.#showExceptions(promotion, signal);
      const log = await promotions.log(id, { signal });
      if (signal.aborted) return;
      this.#log.replaceChildren(...log.map((entry) => this.#entry(entry)));
      this.#detailed = detailed;
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof SignedOut) return;
      const why = error instanceof CatalogueProblem ? wordsOf(error) : 'promotions does not answer';
      setText(this.#state, `The promotion cannot be read at the moment (${why}). Trying again.`);
    }
  }

  #show(promotion: PromotionProgress): void {
    this.#promotion = promotion;
    const { locale } = this.#options;
    const progress = progressOf(promotion);
    const { words } = stateOf(promotion);
    setText(this.#title, promotion.name);
    setText(this.#state, progress === undefined ? words : `${words}: ${progress.done} of ${progress.of}`);
    showProgress(this.#bar, progress);
    const policy = promotion.onRefusal === 'skip' ? 'goes on without them' : 'gives every price back';
    setText(
      this.#facts,
      `Prices: ${ruleOf(promotion, locale)}. Period: ${periodOf(promotion, locale)}. If products take no part, it ${policy}.`,
    );
    setText(this.#counts, `Products: ${countsOf(promotion)}.`);
    setText(this.#reason, promotion.reason === null ? '' : `${promotion.reason}.`);
    const may = operationsOf(promotion);
    for (const operation of Object.keys(may) as Operation[]) {
      const button = this.#buttons[operation];
      const hadFocus = button === document.activeElement;
      button.hidden = !may[operation];
      if (button.hidden && hadFocus) this.#close.focus();
      if (button.hidden && this.#asked === operation) this.#ask(undefined);
    }
  }

  /** The products that did not go the usual way, and why. */
  async #showExceptions({ id, items, clashes, clashCount }: PromotionProgress, signal: AbortSignal): Promise<void> {
    const sections: HTMLElement[] = [];
    for (const state of exceptions) {
      if (items[state] === 0) continue;
      const found: PromotionItem[] = [];
      for await (const item of this.#options.promotions.items(id, { state }, { signal })) {
        if (found.length === listed) break;
        found.push(item);
      }
      const names = await this.#options.namesOf(found.map(({ product }) => product));
      const lines = found.map((item, index) => make('li', {}, this.#sentence(item, names[index] ?? item.product)));
      sections.push(this.#section(headings[state], items[state], lines));
    }
    if (clashes.length > 0) {
      const names = await this.#options.namesOf(clashes.slice(0, listed).map(({ product }) => product));
      const lines = names.map((name) => make('li', {}, isolated(name)));
      sections.push(this.#section('In other promotions at that time', clashCount, lines));
    }
    if (!signal.aborted) this.#exceptions.replaceChildren(...sections);
  }

  #section(heading: string, count: number, lines: HTMLLIElement[]): HTMLElement {
    const more = count > lines.length ? [make('li', {}, `And ${count - lines.length} more`)] : [];
    return make('section', {}, make('h3', {}, `${heading} (${count})`), make('ul', {}, ...lines, ...more));
  }

  #sentence({ reason, kept }: PromotionItem, name: string): string {
    const { locale } = this.#options;
    const price = typeof kept?.price === 'number' ? `price ${formatPrice(kept.price, locale)}` : '';
    const since = typeof kept?.at === 'string' ? `since ${new Date(kept.at).toLocaleString(locale)}` : '';
    const left = [price, since].filter((part) => part !== '').join(' ');
    return [isolated(name), [reason ?? '', left].filter((part) => part !== '').join(': ')].filter(Boolean).join(' – ');
  }

  #entry({ at, to, cause, by }: PromotionTransition): HTMLLIElement {
    const { words } = stateOf({ state: to as PromotionProgress['state'] });
    const when = new Date(at).toLocaleString(this.#options.locale);
    const time = make('time', { dateTime: at }, by === null ? when : `${when}, ${by}`);
    return make('li', {}, `${words}: ${cause}`, time);
  }

  async #press(operation: Operation): Promise<void> {
    const promotion = this.#promotion;
    if (promotion === undefined || this.#isBusy) return;
    if (operations[operation].asked !== '' && this.#asked !== operation) {
      this.#ask(operation);
      return;
    }
    const { signal } = this.#following;
    const done = doneOf(operation, promotion);
    this.#setBusy(true);
    setText(this.#fault, '');
    try {
      await this.#options.promotions[operation](promotion.id);
      this.#options.done(`${promotion.name} is ${done}.`);
    } catch (error) {
      const why = whyNot(error);
      if (!signal.aborted) setText(this.#fault, why);
      else this.#options.notDone(`${isolated(promotion.name)} was not ${done}. ${why}`);
    }
    if (signal.aborted) return;
    this.#setBusy(false);
    this.#ask(undefined);
    this.#wake.now();
  }

  #ask(operation: Operation | undefined): void {
    this.#asked = operation;
    for (const each of Object.keys(operations) as Operation[]) {
      setText(this.#buttons[each], operations[each][each === operation ? 'asked' : 'ask']);
    }
  }

  /** Not really disabled: a disabled button would lose the focus. */
  #setBusy(isBusy: boolean): void {
    this.#isBusy = isBusy;
    for (const button of Object.values(this.#buttons)) button.setAttribute('aria-disabled', String(isBusy));
  }
}

function whyNot(error: unknown): string {
  if (error instanceof SignedOut) return signedOut;
  return error instanceof CatalogueProblem ? `${wordsOf(error)}.` : 'No answer: it may have taken effect or not.';
}
