import type { ProductEvent } from '@catalogue/contracts';
import { type Model, type PlainRow, plainRows, type Step } from '@catalogue/projection';
import { confirmSteps } from './tables/confirmed-steps.ts';
import { productPrices } from './tables/schema.ts';

/** What a promotion has to know of a product. */
export type ProductPrice = PlainRow<typeof productPrices>;

function evolve(row: ProductPrice, event: ProductEvent): ProductPrice {
  const caused = { ...row, causedBy: event.correlationId ?? null };
  switch (event.type) {
    case 'ProductCreated':
    case 'ProductUpdated': {
      const { price } = event.payload;
      if (price === undefined) return caused;
      return {
        ...caused,
        cents: Math.round(price * 100),
        priceVersion: event.productVersion,
        priceAt: event.timestamp,
        priceBy: caused.causedBy,
      };
    }
    case 'ProductDiscontinued':
      return { ...caused, discontinued: true };
    default:
      return event satisfies never;
  }
}

const { write, ...rows } = plainRows(productPrices);

/**
 * The current price of each product, and which steps of promotions took effect: a step's request id is its event's correlation id.
 * A rebuild finds the same steps again.
 */
export const priceModel: Model<ProductPrice> = {
  name: 'promotions',
  ...rows,
  tables: [{ name: 'product_prices', storage: 'fillfactor = 85' }],
  empty: (id) => ({
    id,
    version: 0,
    eventId: null,
    parked: false,
    cents: null,
    priceVersion: 0,
    priceAt: null,
    priceBy: null,
    discontinued: false,
    causedBy: null,
  }),
  evolve,
  skipped: (row) => ({ ...row, cents: null, priceAt: null, priceBy: null, causedBy: null }),
  write: (tx, generation, effects) => {
    const written = write(tx, generation, effects);
    const confirmed = effects.steps.filter(isOfPromotion).map(({ after }) => after);
    return { ...written, sent: [...written.sent, ...(confirmed.length > 0 ? [confirmSteps(tx, confirmed)] : [])] };
  },
  serve: async (tx, generation) => {
    await tx`select show_generation(${generation})`;
  },
};

/** Others choose request ids as they like; `machine/item-step.ts` makes ours of the product's id and version. */
function isOfPromotion({ before, after }: Step<ProductPrice>): boolean {
  if (before === after || after.causedBy === null) return false;
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\/.{1,64}\/(?:apply|give-back)\/\d{1,10}$/.test(after.causedBy);
}
