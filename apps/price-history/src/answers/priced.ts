import { createHash } from 'node:crypto';
import { currentPriorPrice, lineAfter, type PricedProduct } from '../projection/priced-product.ts';
import type { Markets } from '../rules/markets.ts';
import type { Rule } from '../rules/rule.ts';
import { showPriorPrice } from './shown-prior-price.ts';

/** A body with its tag. */
export interface TaggedBody {
  etag: string;
  body: string;
}

const minuteMs = 60_000;
/** About 1 kB each. */
const maxAnswers = 2;

/** A product in memory, with its last answers. */
export class Priced {
  readonly id: string;
  readonly version: number;
  readonly product: PricedProduct;
  /** The rules of its generation. */
  readonly markets: Markets;
  readonly #answers = new Map<string, TaggedBody & { at: number }>();

  constructor(product: PricedProduct, markets: Markets) {
    this.id = product.id;
    this.version = product.version;
    this.product = product;
    this.markets = markets;
  }

  /** When its price changed last; an event may have been stamped ahead of this process's clock. */
  get changedAt(): number {
    return this.product.last?.at ?? Number.NEGATIVE_INFINITY;
  }

  /** The data that a past prior price needs, besides the periods around it. */
  get beginning() {
    const { id, completeFrom } = this.product;
    return { id, completeFrom, firstOffered: lineAfter(this.product, this.markets).firstOffered };
  }

  /** The prior price at an instant that is not before its last change, as JSON. */
  priorPriceAt(rule: Rule, at: number): TaggedBody {
    return tagged(JSON.stringify(showPriorPrice(this, at, currentPriorPrice(this.product, at, rule, this.markets))));
  }

  /**
   * The prior price now, as JSON. "Now" is the start of the minute or the last change, whichever is later: nothing has
   * changed since, so the figures are the same, and so is the answer for a minute.
   */
  priorPrice(rule: Rule, nowMs: number): TaggedBody {
    const at = Math.max(nowMs - (nowMs % minuteMs), this.changedAt);
    const known = this.#answers.get(rule.market);
    if (known?.at === at) return known;
    const answer = { at, ...this.priorPriceAt(rule, at) };
    if (this.#answers.size >= maxAnswers) this.#answers.clear();
    this.#answers.set(rule.market, answer);
    return answer;
  }
}

/** A body with a digest of it as its tag. */
export function tagged(body: string): TaggedBody {
  return { etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 16)}"`, body };
}
