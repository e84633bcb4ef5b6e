/** A product as the catalogue shows it. */
export interface Product {
  id: string;
  name: string;
  /** In the catalogue’s currency, exact, with at most two decimals. */
  price: number;
  /** The number of changes to the product. 0 if only an older system knows the product: it then takes no commands. */
  version: number;
  /** RFC 3339, in UTC. */
  createdAt: string;
  updatedAt: string;
}

/** The fields of a new product. */
export interface NewProduct {
  /** 1 to 200 characters after trimming, at least one of them visible, without control characters. */
  name: string;
  /** 0 to 999 999 999.99, at most two decimals. */
  price: number;
}

/** The fields to change; the others stay as they are. */
export type ProductPatch = Partial<NewProduct>;

/** A command that took effect. It is durable, and this client’s later reads include it. */
export interface Written {
  id: string;
  /** The product’s version after the command. */
  version: number;
}

/** `Written` with its consistency token. Pass it to another client’s `remember`, so that its reads include the write. */
export interface Receipt extends Written {
  /** Opaque. */
  token: string;
}

/** An entry of a product’s audit trail. */
export interface HistoryEntry {
  version: number;
  /** `ProductCreated`, `ProductUpdated`, `ProductDiscontinued`, or a type that a later release adds. */
  type: string;
  /** RFC 3339, in UTC. */
  at: string;
  /** The authenticated subject; null if there was none. */
  by: string | null;
  /** The fields that the event set, with their values. */
  changes: Record<string, unknown>;
}

/** The order of a list; a minus means descending. */
export type Sort = 'name' | '-name' | 'price' | '-price' | 'updatedAt' | '-updatedAt';

/** Selects and orders products. */
export interface ProductQuery {
  /** Part of a name, in any case. The search tolerates typing errors. */
  q?: string | undefined;
  minPrice?: number | undefined;
  maxPrice?: number | undefined;
  /** When absent: by relevance with `q`, by name without. */
  sort?: Sort | undefined;
  /** Products per page, 1 to 500; 100 when absent. */
  limit?: number | undefined;
}

/** One page of a list. */
export interface Page {
  products: Product[];
  /** The cursor of the next page; absent on the last page. */
  next?: string;
}

/** A change of one product, or `reset`: changes were missed, so lists have to be reloaded. */
export type StreamEvent =
  | {
      type: 'product.created' | 'product.updated' | 'product.discontinued';
      /** Pass it as `lastEventId` to resume the stream after this event. */
      eventId: string;
      /** The product after the change; a discontinued one as it last was. */
      product: Product;
    }
  | { type: 'reset'; eventId: string | undefined };
