/** How a promotion computes the price of each product: exactly one of the three. */
export type PriceRule =
  | {
      /** Percent off, at most two decimals. Prices are rounded half up to the cent. */
      percent: number;
      price?: undefined;
      amountOff?: undefined;
    }
  | { price: number; percent?: undefined; amountOff?: undefined }
  | { amountOff: number; percent?: undefined; price?: undefined };

/** Words of a name and a range of prices; all products when empty. */
export interface PromotionQuery {
  /**
   * Words that the name contains, whatever the case and accents. Signs count. Misspelt words match nothing, unlike in a
   * search of the catalogue.
   */
  q?: string;
  minPrice?: number;
  maxPrice?: number;
}

/** Which products take part: exactly one of the two. */
export type ProductChoice =
  | {
      /** Ids, at most 100 000. */
      products: readonly string[];
      query?: undefined;
    }
  | {
      /** The products of the catalogue that match, at most 100 000. Chosen once, when the promotion is scheduled. */
      query: PromotionQuery;
      products?: undefined;
    };

/** A promotion to schedule. */
export type NewPromotion = PriceRule &
  ProductChoice & {
    /** A UUID; the service makes one when absent. */
    id?: string;
    name: string;
    /** RFC 3339, with an offset; at most a minute in the past. At once, by the service's clock, when absent. */
    startsAt?: string;
    /** RFC 3339, with an offset. Not part of the promotion. */
    endsBefore: string;
    /** What to do if a product cannot take part: continue without it, or give every price back. */
    onRefusal: 'skip' | 'undo';
  };

export type PromotionState =
  | 'claiming'
  | 'refused'
  | 'scheduled'
  | 'applying'
  | 'active'
  | 'reverting'
  | 'ended'
  | 'compensating'
  | 'undone'
  | 'cancelled'
  | 'missed'
  | 'needs-attention';

export type PromotionItemState =
  | 'waiting'
  | 'applying'
  | 'applied'
  | 'giving-back'
  | 'given-back'
  | 'refused'
  | 'kept'
  | 'gone'
  | 'untouched'
  | 'failed';

/** A promotion as the service shows it, with one of `percent`, `price` and `amountOff`. Instants are RFC 3339, in UTC. */
export interface Promotion {
  id: string;
  name: string;
  percent?: number;
  price?: number;
  amountOff?: number;
  /** How its products were chosen; null for listed ids. */
  query: PromotionQuery | null;
  startsAt: string;
  /** Not part of the promotion. */
  endsBefore: string;
  onRefusal: 'skip' | 'undo';
  state: PromotionState;
  /** Why the promotion is in this state; null if the state says enough. */
  reason: string | null;
  /** The number of its changes. */
  version: number;
  /** For `refused`: how many of its products other promotions have claimed. */
  clashCount: number;
  /** The first 100 of them, with the other promotions. */
  clashes: { product: string; promotion: string }[];
  createdAt: string;
  updatedAt: string;
}

/** A promotion with the number of its products in each state. */
export interface PromotionProgress extends Promotion {
  items: Record<PromotionItemState, number>;
}

/** One page of promotions. */
export interface PromotionPage {
  promotions: Promotion[];
  /** The cursor of the next page; absent on the last page. */
  next?: string;
}

/** A product of a promotion. */
export interface PromotionItem {
  product: string;
  state: PromotionItemState;
  /** The price that the promotion found; null until then. */
  before: number | null;
  /** The price of the promotion. */
  promoted: number | null;
  /** Why the product was refused, kept its price, or failed. */
  reason: string | null;
  /** For `kept`: the price that someone else set, when that was, and the request id of that change. */
  kept: { price: number | null; at: string | null; by: string | null } | null;
}

/** The prices that a promotion would have now. */
export interface PromotionPreview {
  /** How many products it would have. */
  products: number;
  /**
   * The first 100, by id. `name` is null while promotions does not know it. `promoted` is null, with the reason, for a
   * product that would be refused.
   */
  items: {
    product: string;
    name: string | null;
    before: number | null;
    promoted: number | null;
    reason: string | null;
  }[];
}

/** A promotion that has changed, or `reset`: changes were missed, so lists have to be reloaded. */
export type PromotionEvent =
  | {
      type: 'promotion';
      /** Pass it as `lastEventId` to resume the stream after this event. */
      eventId: string;
      /** The promotion as it is now: changes in quick succession are one event, and an event can repeat. */
      promotion: PromotionProgress;
    }
  | { type: 'reset'; eventId: string | undefined };

/** A transition of a promotion. */
export interface PromotionTransition {
  at: string;
  /** Null for the first. */
  from: string | null;
  to: string;
  cause: string;
  /** The subject of the request's access token; null for the service itself, and without authentication. */
  by: string | null;
}
