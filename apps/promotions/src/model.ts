import type { ProductEvent } from '@catalogue/contracts';
import { type Model, plainRows, type Step, type Tracked } from '@catalogue/projection';
import { confirmSteps } from './tables/confirmed-steps.ts';

/** What a promotion has to know of a product. The members are columns of `product_prices`. */
export interface ProductPrice extends Tracked {
  /** Null while unknown: an operator discarded an event. */
  cents: number | null;
  /** The version that set the price, with its event's time and correlation id. */
  price_version: number;
  price_at: string | null;
  price_by: string | null;
  discontinued: boolean;
  /** The correlation id of the last event. */
  caused_by: string | null;
}

function evolve(row: ProductPrice, event: ProductEvent): ProductPrice {
  const caused = { ...row, caused_by: event.correlationId ?? null };
  switch (event.type) {
    case 'ProductCreated':
    case 'ProductUpdated': {
      const { price } = event.payload;
      if (price === undefined) return caused;
      return {
        ...caused,
        cents: Math.round(price * 100),
        price_version: event.productVersion,
        price_at: event.timestamp,
        price_by: caused.caused_by,
      };
    }
    case 'ProductDiscontinued':
      return { ...caused, discontinued: true };
    default:
      return event satisfies never;
  }
}

const { write, ...rows } = plainRows<ProductPrice>('product_prices', {
  cents: 'bigint',
  price_version: 'integer',
  price_at: 'text',
  price_by: 'text',
  discontinued: 'boolean',
  caused_by: 'text',
});

/**
 * The current price of each product, and which steps of promotions took effect: a step's request id is its event's correlation id.
 * A rebuild finds the same steps again.
 */
export const priceModel: Model<ProductPrice> = {
  name: 'promotions',
  tables: [{ name: 'product_prices', storage: 'fillfactor = 85' }],
  compared: ['id', 'version', 'cents', 'price_version', 'price_at', 'price_by', 'discontinued', 'caused_by'],
  empty: (id) => ({
    id,
    version: 0,
    eventId: null,
    parked: false,
    cents: null,
    price_version: 0,
    price_at: null,
    price_by: null,
    discontinued: false,
    caused_by: null,
  }),
  evolve,
  skipped: (row) => ({ ...row, cents: null, price_at: null, price_by: null, caused_by: null }),
  ...rows,
  write: (tx, generation, effects) => {
    const written = write(tx, generation, effects);
    const confirmed = effects.steps.filter(isOfPromotion).map(({ after }) => after);
    return { ...written, sent: [...written.sent, ...(confirmed.length > 0 ? [confirmSteps(tx, confirmed)] : [])] };
  },
  serve: async (tx, generation) => {
    await tx`select show_generation(${generation})`;
  },
};

/** Others choose request ids as they like; `step.ts` makes ours of the product's id and version. */
function isOfPromotion({ before, after }: Step<ProductPrice>): boolean {
  if (before === after || after.caused_by === null) return false;
  return /^[0-9a-f-]{36}\/.{1,64}\/(?:apply|give-back)\/\d{1,10}$/.test(after.caused_by);
}
