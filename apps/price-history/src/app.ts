import type { Sql } from '@catalogue/postgres';
import { type Model, openProjection, type ProjectionOptions } from '@catalogue/projection';
import { changesAppended } from '@catalogue/projection-schema';
import {
  ChangeFeed,
  ChangeLog,
  Consistency,
  findStatuses,
  outageProblem,
  requireRevalidation,
  RowLoader,
} from '@catalogue/reading';
import { createServer } from '@catalogue/service';
import { PricedProducts } from './answers/priced-products.ts';
import type { RuledProduct } from './model.ts';
import { priorPriceRoute } from './routes/prior-price.ts';
import type { Markets } from './rules/markets.ts';
import { findOtherRules } from './tables/applied-rules.ts';
import { RuleBook } from './tables/rule-book.ts';

export interface AppOptions extends ProjectionOptions {
  /** The same database through another pool, for queries. */
  reader: Sql;
  markets: Markets;
  corsOrigins: string[];
  now?: () => number;
}

/** The consumers of all generations of the price lines, and the HTTP server that answers from them. */
export async function buildApp(model: Model<RuledProduct>, options: AppOptions) {
  const { reader, log, metrics, corsOrigins, markets, now = Date.now } = options;
  const projection = openProjection(model, options);
  const app = await createServer({
    log,
    metrics,
    corsOrigins,
    api,
    problemOf: outageProblem,
    dependencies: { ...projection.dependencies, rules: () => rulesState(reader, markets) },
  });
  requireRevalidation(app);
  const feed = new ChangeFeed(new ChangeLog(reader, { columns: [], channel: changesAppended }), log);
  const products = new PricedProducts(reader, feed, new RuleBook(reader, markets));
  const statuses = new RowLoader((ids) => findStatuses(reader, 'priced_products', ids));
  const consistency = new Consistency({ feed, statuses, metrics });
  app.addHook('preClose', async () => consistency.stop());
  const [defaultMarket = ''] = markets.keys();
  priorPriceRoute(app, { products, consistency, defaultMarket, now });
  const work = async (signal: AbortSignal) => {
    await Promise.all([projection.work(signal), feed.run(signal)]);
  };
  return { app, work, generations: projection.generations };
}

/** Other rules are no fault: what readers see was made by those of its generation, and says so. */
async function rulesState(sql: Sql, markets: Markets) {
  const others = await findOtherRules(sql, markets);
  if (others.length === 0) return { status: 'up' as const };
  const detail = `Generation ${others.join(' and ')} has other rules than PRICE_MARKETS: they apply after a rebuild`;
  return { status: 'up' as const, detail };
}

const api = {
  title: 'Catalogue prices',
  description: `Shows which price of a product was applied when, and the prior price that a trader indicates with a price reduction
in the EU: the lowest price of at least the 30 days before (Directive 98/6/EC, article 6a). Every answer carries its rule and the
events that it rests on. No legal advice.`,
};
