import { type Catalogue, type Product, type ProductQuery, Promotions, type PromotionsOptions } from '@catalogue/client';
import { find, isolated, setText } from './elements.ts';
import { PromotionDialog } from './promotion-dialog.ts';
import { chosenBy } from './promotion-form.ts';
import { PromotionList } from './promotion-list.ts';
import { ScheduleDialog } from './schedule-dialog.ts';
import { Selection } from './selection.ts';

export interface PromotionSectionOptions {
  /** The address of promotions. */
  address: string;
  catalogue: Catalogue;
  /** How requests get an access token. */
  caller: Pick<PromotionsOptions, 'token' | 'fetch'>;
  locale: string;
  /** The products of the list on the page. */
  shown: () => readonly Product[];
  /** What the user wants that list to show. */
  query: () => ProductQuery;
  /** Tells screen readers. */
  say: (sentence: string) => void;
  /** Shows what failed after its dialog was closed; an empty text hides it. */
  notSaved: (sentence: string) => void;
}

/** Everything about promotions on the page: the selection of products, the list, and its two dialogs. */
export class PromotionSection {
  readonly selection = new Selection();
  readonly #options: PromotionSectionOptions;
  readonly #list: PromotionList;
  readonly #scheduling: ScheduleDialog;
  readonly #all = find('select-all', HTMLInputElement);

  constructor(options: PromotionSectionOptions) {
    this.#options = options;
    const { address, caller, locale, say, notSaved } = options;
    const promotions = new Promotions({ promotions: address, timeout: 8_000, ...caller });
    const dialog = new PromotionDialog({
      promotions,
      locale,
      namesOf: (ids) => this.#namesOf(ids),
      done: (sentence) => {
        say(sentence);
        this.#list.refresh();
      },
      notDone: notSaved,
    });
    this.#list = new PromotionList({
      promotions,
      locale,
      open: (promotion) => dialog.open(promotion),
      heard: (promotion) => dialog.hear(promotion),
    });
    this.#scheduling = new ScheduleDialog({
      promotions,
      locale,
      promotionName: (id) => this.#list.nameOf(id),
      scheduled: ({ name }, products, isAwaited) => {
        this.selection.set(products, false);
        if (isAwaited) this.#list.show();
        else this.#list.refresh();
        say(`Scheduled ${isolated(name)}.`);
      },
      notScheduled: notSaved,
    });
    for (const id of ['schedule-open', 'schedule-selected']) {
      find(id, HTMLButtonElement).addEventListener('click', () => this.schedule());
    }
    find('deselect', HTMLButtonElement).addEventListener('click', () => {
      this.selection.clear();
      find('products', HTMLElement).focus();
    });
    this.#all.hidden = false;
    this.#all.addEventListener('change', () => this.selection.set(options.shown(), this.#all.checked));
    this.selection.listen(() => this.showSelection());
    setText(find('shortcut-keys', HTMLElement), 'Shortcuts /, n and p');
  }

  /** Opens the dialog that schedules a promotion of the selected products, or of those that match the list. */
  schedule(): void {
    this.#scheduling.open(this.selection.products, chosenBy(this.#options.query()));
  }

  /** The name of a promotion that the list shows. */
  nameOf(id: string): string | undefined {
    return this.#list.nameOf(id);
  }

  /** Shows how many products are selected. To be called when the list has changed, too. */
  showSelection(): void {
    const { length } = this.selection.products;
    setText(find('selection-count', HTMLElement), length === 1 ? '1 selected' : `${length} selected`);
    find('selection', HTMLElement).hidden = length === 0;
    const shown = this.#options.shown();
    const selected = shown.filter(({ id }) => this.selection.has(id)).length;
    this.#all.checked = selected > 0 && selected === shown.length;
    this.#all.indeterminate = selected > 0 && selected < shown.length;
  }

  async #namesOf(ids: readonly string[]): Promise<string[]> {
    const known = new Map(this.#options.shown().map(({ id, name }) => [id, name]));
    return await Promise.all(
      ids.map(async (id) => {
        const name = known.get(id);
        if (name !== undefined) return name;
        // A discontinued product is not shown any more.
        const product = await this.#options.catalogue.get(id).catch(() => undefined);
        return product?.name ?? id;
      }),
    );
  }
}
