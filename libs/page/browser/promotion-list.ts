import { CatalogueProblem, type Promotion, type PromotionProgress, type Promotions } from '@catalogue/client';
import { find, make, setText } from './elements.ts';
import { PromotionNews } from './promotion-news.ts';
import { type Group, groups, isMoving, periodOf, progressOf, ruleOf, stateOf } from './promotion-words.ts';
import { wordsOf } from './rights.ts';
import { SignedOut } from './signed-out.ts';
import { Wake } from './wake.ts';

export interface PromotionListOptions {
  promotions: Promotions;
  locale: string;
  open: (promotion: Promotion) => void;
  /** Called for each promotion that has changed. */
  heard: (promotion: PromotionProgress) => void;
}

const everyMs = 2_000;
const whileLiveMs = 30_000;
const pageSize = 50;
const maxShown = 500;
/** Counting the products of a large promotion takes the database some time. */
const maxCounted = 5;

interface Row {
  promotion: Promotion;
  line: HTMLLIElement;
  name: HTMLButtonElement;
  state: HTMLElement;
  bar: HTMLProgressElement;
  rule: HTMLElement;
  period: HTMLElement;
}

/** The list of promotions by state. While visible, it follows the stream, or asks every 2 s if there is no stream. */
export class PromotionList {
  readonly #options: PromotionListOptions;
  readonly #section = find('promotions', HTMLDetailsElement);
  readonly #groups = find('promotion-groups', HTMLElement);
  readonly #fault = find('promotions-fault', HTMLElement);
  readonly #empty = find('promotions-empty', HTMLElement);
  readonly #more = find('promotions-more', HTMLButtonElement);
  readonly #rows = new Map<string, Row>();
  readonly #lists = new Map<Group, { heading: HTMLElement; list: HTMLUListElement }>();
  readonly #wake = new Wake();
  readonly #news: PromotionNews;
  /** What was heard since the list was last asked for. */
  readonly #heard = new Map<string, PromotionProgress>();
  #promotions: readonly (Promotion | PromotionProgress)[] = [];
  #following = new AbortController();
  #shown = pageSize;

  constructor(options: PromotionListOptions) {
    this.#options = options;
    this.#section.hidden = false;
    for (const group of groups) {
      const heading = make('h3', { hidden: true });
      const list = make('ul', { hidden: true });
      this.#groups.append(heading, list);
      this.#lists.set(group, { heading, list });
    }
    this.#news = new PromotionNews({
      promotions: options.promotions,
      heard: (promotion) => this.#hear(promotion),
      missed: () => this.#wake.now(),
    });
    const follow = () => {
      this.#following.abort();
      this.#following = new AbortController();
      this.#wake.now();
      if (!this.#section.open || document.hidden) return;
      void this.#news.follow(this.#following.signal);
      void this.#follow(this.#following.signal);
    };
    this.#section.addEventListener('toggle', follow);
    document.addEventListener('visibilitychange', follow);
    this.#more.addEventListener('click', () => {
      this.#shown = Math.min(this.#shown + pageSize, maxShown);
      this.#wake.now();
    });
  }

  /** Opens the list, with the focus on its heading. */
  show(): void {
    this.#section.open = true;
    this.#section.querySelector('summary')?.focus();
    this.#wake.now();
  }

  /** The name of a promotion in the list. */
  nameOf(id: string): string | undefined {
    return this.#rows.get(id)?.promotion.name;
  }

  /** Loads the list now: something has changed. */
  refresh(): void {
    this.#wake.now();
  }

  async #follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#load(signal);
      await this.#wake.after(this.#news.isLive ? whileLiveMs : everyMs);
    }
  }

  #hear(promotion: PromotionProgress): void {
    this.#heard.set(promotion.id, promotion);
    const known = this.#promotions.find(({ id }) => id === promotion.id);
    // A promotion that is not in the list yet is loaded with it.
    if (known === undefined) this.#wake.now();
    else if (known.version <= promotion.version)
      this.#draw(this.#promotions.map((each) => (each === known ? promotion : each)));
    this.#options.heard(promotion);
  }

  async #load(signal: AbortSignal): Promise<void> {
    const { promotions } = this.#options;
    this.#heard.clear();
    try {
      const page = await promotions.page({ limit: this.#shown }, { signal });
      const moving = page.promotions.filter(isMoving).slice(0, maxCounted);
      const counted = await Promise.all(moving.map(({ id }) => promotions.get(id, { signal })));
      if (signal.aborted) return;
      const byId = new Map(counted.map((promotion) => [promotion.id, promotion]));
      const loaded = page.promotions.map((promotion) => byId.get(promotion.id) ?? promotion);
      this.#draw(newest(loaded, this.#heard));
      this.#more.hidden = page.next === undefined || this.#shown >= maxShown;
      this.#tell('');
    } catch (error) {
      if (signal.aborted || error instanceof SignedOut) return;
      const why = error instanceof CatalogueProblem ? wordsOf(error) : 'promotions does not answer';
      this.#tell(`The promotions cannot be loaded at the moment (${why}). Trying again.`);
    }
  }

  #tell(fault: string): void {
    setText(this.#fault, fault);
    this.#fault.hidden = fault === '';
  }

  #draw(promotions: readonly (Promotion | PromotionProgress)[]): void {
    this.#promotions = promotions;
    this.#empty.hidden = promotions.length > 0;
    const ids = new Set(promotions.map(({ id }) => id));
    for (const [id, { line }] of this.#rows) {
      if (ids.has(id)) continue;
      line.remove();
      this.#rows.delete(id);
    }
    const focused = document.activeElement;
    for (const [group, { heading, list }] of this.#lists) {
      const members = promotions.filter((promotion) => stateOf(promotion).group === group);
      setText(heading, `${group} (${members.length})`);
      heading.hidden = members.length === 0;
      list.hidden = members.length === 0;
      let at = list.firstElementChild;
      for (const promotion of members) {
        const { line } = this.#rowOf(promotion);
        if (line === at) at = line.nextElementSibling;
        else list.insertBefore(line, at);
      }
    }
    // A line that moved to another group has lost the focus.
    if (focused !== document.activeElement && focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  }

  #rowOf(promotion: Promotion | PromotionProgress): Row {
    const row = this.#rows.get(promotion.id) ?? this.#make(promotion);
    row.promotion = promotion;
    const { locale } = this.#options;
    setText(row.name, promotion.name);
    setText(row.rule, ruleOf(promotion, locale));
    setText(row.period, periodOf(promotion, locale));
    const progress = 'items' in promotion ? progressOf(promotion) : undefined;
    const { words } = stateOf(promotion);
    setText(row.state, progress === undefined ? words : `${words}: ${progress.done} of ${progress.of}`);
    row.line.dataset['state'] = promotion.state;
    showProgress(row.bar, progress);
    return row;
  }

  #make(promotion: Promotion): Row {
    const name = make('button', { type: 'button', dir: 'auto' });
    const state = make('span', { className: 'sale-state' });
    const bar = make('progress', { hidden: true });
    bar.setAttribute('aria-label', 'Products that are done');
    const [rule, period] = [make('span'), make('span')];
    const line = make('li', {}, name, state, bar, make('span', { className: 'quiet' }, rule, ' · ', period));
    const row = { promotion, line, name, state, bar, rule, period };
    name.addEventListener('click', () => this.#options.open(row.promotion));
    this.#rows.set(promotion.id, row);
    return row;
  }
}

/** The loaded promotions, with what was heard of them while they were on their way. */
export function newest(
  loaded: readonly (Promotion | PromotionProgress)[],
  heard: ReadonlyMap<string, PromotionProgress>,
): (Promotion | PromotionProgress)[] {
  return loaded.map((promotion) => {
    const news = heard.get(promotion.id);
    return news !== undefined && news.version > promotion.version ? news : promotion;
  });
}

export function showProgress(bar: HTMLProgressElement, progress: { done: number; of: number } | undefined): void {
  bar.hidden = progress === undefined;
  bar.max = Math.max(progress?.of ?? 1, 1);
  bar.value = progress?.done ?? 0;
}
