/** A product as the catalogue shows it. */
export interface Product {
  id: string;
  name: string;
  /** In the catalogue’s one currency, exact: at most two decimals. */
  price: number;
  /** How many changes are in it; 0 for a product known only from an older system, which takes no commands. */
  version: number;
  /** RFC 3339, in UTC. */
  createdAt: string;
  updatedAt: string;
}

/** A product to be. */
export interface NewProduct {
  /** 1 to 200 characters once trimmed, one of them visible, no control characters. */
  name: string;
  /** 0 to 999 999 999.99, at most two decimals. */
  price: number;
}

/** What is to change of a product; the rest stays as it is. */
export type ProductPatch = Partial<NewProduct>;

/** A command that was carried out: it is durable, and this client’s later reads include it. */
export interface Written {
  id: string;
  /** Of the product, after the command. */
  version: number;
}

/** `Written`, and what another client needs to read it: `remember` takes it. */
export interface Receipt extends Written {
  /** Opaque. */
  token: string;
}

/** An entry of a product’s audit trail. */
export interface HistoryEntry {
  version: number;
  /** `ProductCreated`, `ProductUpdated`, `ProductDiscontinued`, and what comes later. */
  type: string;
  /** RFC 3339, in UTC. */
  at: string;
  /** Who did it; null when nobody was authenticated. */
  by: string | null;
  /** What the event said of the product: only what changed. */
  changes: Record<string, unknown>;
}

/** How a list is ordered; a minus means downwards. */
export type Sort = 'name' | '-name' | 'price' | '-price' | 'updatedAt' | '-updatedAt';

/** Which products, in which order. */
export interface ProductQuery {
  /** Part of a name, in any case; typing errors are forgiven. */
  q?: string | undefined;
  minPrice?: number | undefined;
  maxPrice?: number | undefined;
  /** `name` when absent; with `q` and without a sort, the order that the catalogue gives search results. */
  sort?: Sort | undefined;
  /** Products a page, 1 to 500; 100 when absent. */
  limit?: number | undefined;
}

/** A part of a list. */
export interface Page {
  products: Product[];
  /** Where the next page begins; absent on the last one. */
  next?: string;
}

/** What the stream says: a change of one product, or that changes were missed, so that lists have to be loaded again. */
export type StreamEvent =
  | {
      type: 'product.created' | 'product.updated' | 'product.discontinued';
      /** Where the stream can be taken up again, by `lastEventId`. */
      eventId: string;
      /** After the change; of a discontinued product, as it was. */
      product: Product;
    }
  | { type: 'reset'; eventId: string | undefined };
