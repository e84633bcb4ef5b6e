import {
  type CatalogueProblem,
  isProblem,
  type NewPromotion,
  type Product,
  type ProductChoice,
  type Promotion,
  type PromotionPreview,
  type PromotionQuery,
  type Promotions,
} from '@catalogue/client';
import { newKey } from './commands.ts';
import { find, isolated, make, markField, setText } from './elements.ts';
import { formatPrice } from './price.ts';
import {
  type Faults,
  faultsOf,
  firstFault,
  noFaults,
  readPromotion,
  type RuleKind,
  sayChoice,
  type Typed,
} from './promotion-form.ts';
import { signedOut } from './refusals.ts';
import { SignedOut } from './signed-out.ts';

export interface ScheduleDialogOptions {
  promotions: Promotions;
  locale: string;
  /** The name of a promotion; undefined if it is not known. */
  promotionName: (id: string) => string | undefined;
  /** Called after a promotion of these products was scheduled; `isAwaited` while its dialog was still open. */
  scheduled: (promotion: Promotion, products: readonly Product[], isAwaited: boolean) => void;
  /** Called when a promotion was not scheduled after its dialog was closed; with an empty text when the dialog opens again. */
  notScheduled: (sentence: string) => void;
}

/** What is sent to schedule a promotion. */
interface Sending {
  /** What the dialog held, in one text with the products. */
  text: string;
  typed: Typed;
  promotion: NewPromotion;
  products: ReadonlyMap<string, Product>;
  key: string;
}

const whileTyping = 250;
const labels: Record<RuleKind, string> = { percent: 'Percent', price: 'Price', amountOff: 'Amount' };

/** The dialog that schedules a promotion of the selected or matching products, with a preview of their prices. */
export class ScheduleDialog {
  readonly #options: ScheduleDialogOptions;
  readonly #dialog = find('schedule', HTMLDialogElement);
  readonly #choice = find('schedule-choice', HTMLSelectElement);
  readonly #name = find('schedule-name', HTMLInputElement);
  readonly #rule = find('schedule-rule', HTMLSelectElement);
  readonly #amount = find('schedule-amount', HTMLInputElement);
  readonly #starts = find('schedule-starts', HTMLInputElement);
  readonly #ends = find('schedule-ends', HTMLInputElement);
  readonly #refusal = find('schedule-refusal', HTMLSelectElement);
  readonly #fault = find('schedule-fault', HTMLElement);
  readonly #state = find('schedule-state', HTMLElement);
  readonly #preview = find('schedule-preview', HTMLElement);
  readonly #previewed = find('schedule-previewed', HTMLElement);
  readonly #prices = find('schedule-prices', HTMLElement);
  readonly #save = find('schedule-save', HTMLButtonElement);
  #products = new Map<string, Product>();
  #query: PromotionQuery = {};
  #isBusy = false;
  #timer = 0;
  #previewing = new AbortController();
  /** A new object each time the dialog opens or closes: answers of an earlier opening do not change this one. */
  #opening = {};
  /** Requests without an answer, by text. They may have taken effect: the button sends one again with the same key. */
  readonly #unanswered = new Map<string, Sending>();

  constructor(options: ScheduleDialogOptions) {
    this.#options = options;
    find('schedule-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#submit();
    });
    for (const field of [this.#choice, this.#name, this.#rule, this.#amount, this.#starts, this.#ends, this.#refusal]) {
      field.addEventListener('input', () => this.#previewSoon());
    }
    this.#rule.addEventListener('input', () => this.#label());
    find('schedule-close', HTMLButtonElement).addEventListener('click', () => this.#dialog.close());
    this.#dialog.addEventListener('close', () => this.#closed());
  }

  /**
   * Opens the dialog for the selected products, or for all that match the list; without a selection for the latter.
   * What was typed the last time is still there, unless it was scheduled.
   */
  open(products: readonly Product[], query: PromotionQuery): void {
    this.#opening = {};
    this.#products = new Map(products.map((product) => [product.id, product]));
    this.#query = query;
    const selected = products.length === 1 ? '1 selected product' : `${products.length} selected products`;
    const isSelected = products.length > 0;
    this.#choice.replaceChildren(
      make('option', { value: 'selected', disabled: !isSelected }, selected),
      make('option', { value: 'matching' }, sayChoice(query, this.#options.locale)),
    );
    this.#choice.value = isSelected ? 'selected' : 'matching';
    this.#setBusy(false);
    this.#options.notScheduled('');
    this.#label();
    this.#showFaults(noFaults);
    this.#dialog.showModal();
    this.#name.focus();
    this.#previewSoon(0);
  }

  #closed(): void {
    if (this.#dialog.open) return;
    this.#opening = {};
    clearTimeout(this.#timer);
    this.#previewing.abort();
  }

  #label(): void {
    setText(find('schedule-amount-label', HTMLElement), labels[this.#rule.value as RuleKind]);
  }

  get #typed(): Typed {
    return {
      choice: this.#choice.value as Typed['choice'],
      name: this.#name.value,
      rule: this.#rule.value as RuleKind,
      amount: this.#amount.value,
      startsAt: this.#starts.value,
      endsBefore: this.#ends.value,
      onRefusal: this.#refusal.value as 'skip' | 'undo',
    };
  }

  #read(typed: Typed) {
    return readPromotion(typed, this.#choiceOf(typed), this.#options.locale, Date.now());
  }

  #choiceOf({ choice }: Typed): ProductChoice {
    return choice === 'matching' ? { query: this.#query } : { products: [...this.#products.keys()] };
  }

  #previewSoon(wait = whileTyping): void {
    clearTimeout(this.#timer);
    this.#previewing.abort();
    this.#previewing = new AbortController();
    const { signal } = this.#previewing;
    this.#timer = window.setTimeout(() => void this.#showPreview(signal), wait);
  }

  /** Prices need a rule; a name and an end that are missing yet do not matter. */
  async #showPreview(signal: AbortSignal): Promise<void> {
    const typed = this.#typed;
    const tomorrow = { startsAt: '', endsBefore: '9999-01-01T00:00', name: 'Preview' };
    const read = this.#read({ ...typed, ...tomorrow });
    this.#preview.hidden = 'faults' in read;
    if ('faults' in read) return;
    try {
      const preview = await this.#options.promotions.preview(read.promotion, { signal });
      if (!signal.aborted) this.#drawPreview(preview);
    } catch (error) {
      if (signal.aborted) return;
      this.#prices.replaceChildren();
      const why = isProblem(error) ? firstFault(this.#faultsOf(error, this.#products)) : 'promotions does not answer.';
      setText(this.#previewed, `There is no preview: ${why}`);
    }
  }

  #drawPreview({ products, items }: PromotionPreview): void {
    const { locale } = this.#options;
    const price = (value: number | null) => (value === null ? '–' : formatPrice(value, locale));
    const count = products === 1 ? '1 product' : `${products} products`;
    setText(this.#previewed, products > items.length ? `The first ${items.length} of ${count}` : count);
    const lines = items.map(({ product, name: known, before, promoted, reason }) => {
      const name = make('th', { scope: 'row', dir: 'auto' }, known ?? this.#products.get(product)?.name ?? product);
      const then = make('td', { className: 'number' }, reason ?? price(promoted));
      return make('tr', {}, name, make('td', { className: 'number' }, price(before)), then);
    });
    this.#prices.replaceChildren(...lines);
  }

  async #submit(): Promise<void> {
    if (this.#isBusy) return;
    const typed = this.#typed;
    const read = this.#read(typed);
    this.#showFaults('faults' in read ? read.faults : noFaults);
    if ('faults' in read) return;
    const { promotion } = read;
    const products = typed.choice === 'selected' ? this.#products : new Map<string, Product>();
    const text = JSON.stringify([typed, this.#choiceOf(typed)]);
    // An empty start is the time of the first attempt: another time would be another promotion.
    const request = this.#unanswered.get(text) ?? { text, typed, promotion, products, key: newKey() };
    this.#unanswered.set(text, request);
    await this.#send(request);
  }

  async #send({ text, typed, promotion, products, key }: Sending): Promise<void> {
    const opening = this.#opening;
    this.#setBusy(true);
    try {
      const scheduled = await this.#options.promotions.schedule(promotion, { idempotencyKey: key });
      this.#unanswered.delete(text);
      this.#forget(typed);
      const isAwaited = this.#opening === opening;
      if (isAwaited) this.#dialog.close();
      this.#options.scheduled(scheduled, [...products.values()], isAwaited);
    } catch (error) {
      if (isProblem(error)) this.#unanswered.delete(text);
      const faults = isProblem(error) ? this.#faultsOf(error, products) : unanswered(error);
      if (this.#opening === opening) this.#showFaults(faults);
      else this.#options.notScheduled(`The promotion ${isolated(promotion.name)}: ${firstFault(faults)}`);
    }
    if (this.#opening === opening) this.#setBusy(false);
  }

  /** Clears the fields, unless something else was typed meanwhile. */
  #forget(sent: Typed): void {
    if (JSON.stringify(this.#typed) !== JSON.stringify(sent)) return;
    for (const field of [this.#name, this.#amount, this.#starts, this.#ends]) field.value = '';
  }

  #faultsOf(problem: CatalogueProblem, products: ReadonlyMap<string, Product>): Faults {
    return faultsOf(problem, (id) => products.get(id)?.name ?? this.#options.promotionName(id) ?? id);
  }

  #showFaults({ name, amount, startsAt, endsBefore, whole }: Faults): void {
    const fields: [HTMLInputElement, string, string][] = [
      [this.#name, 'schedule-name-fault', name],
      [this.#amount, 'schedule-amount-fault', amount],
      [this.#starts, 'schedule-starts-fault', startsAt],
      [this.#ends, 'schedule-ends-fault', endsBefore],
    ];
    for (const [field, id, fault] of fields) markField(field, find(id, HTMLElement), fault);
    setText(this.#fault, whole);
    fields.find(([, , fault]) => fault !== '')?.[0].focus();
  }

  /** Not really disabled: a disabled button would lose the focus. */
  #setBusy(isBusy: boolean): void {
    this.#isBusy = isBusy;
    this.#save.setAttribute('aria-disabled', String(isBusy));
    setText(this.#state, isBusy ? 'Scheduling' : '');
  }
}

function unanswered(error: unknown): Faults {
  const noAnswer = 'No answer: it may be scheduled or not. Scheduling again is safe.';
  return { ...noFaults, whole: error instanceof SignedOut ? signedOut : noAnswer };
}
