import { type ProductEvent, stepOf } from '@catalogue/contracts';
import { type Model, type PlainRow, plainRows, type Step } from '@catalogue/projection';
import { confirmSteps } from './tables/confirmed-steps.ts';
import { productPrices } from './tables/schema.ts';

/** The data of a product that promotions need. */
export type ProductPrice = PlainRow<typeof productPrices>;

function evolve(row: ProductPrice, event: ProductEvent): ProductPrice {
  const caused = { ...row, causedBy: event.correlationId ?? null };
  switch (event.type) {
    case 'ProductCreated':
    case 'ProductUpdated': {
      const { name = row.name, price } = event.payload;
      const named = { ...caused, name };
      if (price === undefined) return named;
      return {
        ...named,
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

const { lock, write, ...rows } = plainRows(productPrices, {
  cents: null,
  priceVersion: 0,
  priceAt: null,
  priceBy: null,
  discontinued: false,
  causedBy: null,
  name: null,
  nameVersion: 0,
});

/**
 * The current price and name of each product, and which steps of promotions took effect: a step's request id is its
 * event's correlation id. A rebuild finds the same steps again.
 */
export const priceModel: Model<ProductPrice> = {
  name: 'promotions',
  ...rows,
  tables: [{ name: 'product_prices', storage: 'fillfactor = 85' }],
  evolve,
  skipped: (row) => ({ ...row, cents: null, priceAt: null, priceBy: null, causedBy: null, name: '' }),
  // A worker of the release before may have applied an event since, and it keeps no names.
  lock: async (tx, generation, ids) => {
    const locked = await lock(tx, generation, ids);
    return locked.map((row) => (row.nameVersion === row.version ? row : { ...row, name: null }));
  },
  write: (tx, generation, effects) => {
    const known = effects.rows.map(({ before, after }) => ({
      before,
      after: { ...after, nameVersion: after.version },
    }));
    const written = write(tx, generation, { ...effects, rows: known });
    const confirmed = effects.steps.filter(isOfPromotion).map(({ after }) => after);
    return { ...written, sent: [...written.sent, ...(confirmed.length > 0 ? [confirmSteps(tx, confirmed)] : [])] };
  },
  serve: async (tx, generation) => {
    await tx`select show_generation(${generation})`;
  },
};

/** Whether a step's event made this change. Other clients choose their request ids freely. */
function isOfPromotion({ before, after }: Step<ProductPrice>): boolean {
  if (before === after || after.causedBy === null) return false;
  return stepOf({ productId: after.id, productVersion: after.version, correlationId: after.causedBy }) !== undefined;
}
