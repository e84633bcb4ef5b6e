import type { Sql } from '@catalogue/postgres';
import type { Projection } from '@catalogue/projection';
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
import { createServer, type DependencyState, type ProcessOptions } from '@catalogue/service';
import { Answers } from './answers/answers.ts';
import { PricedProducts } from './answers/priced-products.ts';
import { fileRoute, pictureRoute } from './routes/evidence.ts';
import { priceLineRoute } from './routes/price-line.ts';
import { priorPriceRoute } from './routes/prior-price.ts';
import { priorPricesRoute } from './routes/prior-prices.ts';
import { reductionsRoute } from './routes/reductions.ts';
import { Snapshots } from './answers/snapshots.ts';
import type { Markets } from './rules/markets.ts';
import { RuleBook } from './tables/rule-book.ts';
import { otherRules, unlistNowAndThen } from './upkeep.ts';

export interface AppOptions extends ProcessOptions {
  projection: Pick<Projection, 'dependencies' | 'work'>;
  /** The pool of the projection; the next two are pools for queries on the same database (`openPools`). */
  sql: Sql;
  reader: Sql;
  lines: Sql;
  markets: Markets;
  now?: () => number;
}

/** Builds the HTTP server that answers from the price lines, and the work beside it that keeps them up to date. */
export async function buildApp(options: AppOptions) {
  const { projection, sql, reader, lines, markets, now = Date.now, ...server } = options;
  const { log, metrics } = server;
  const app = await createServer({
    ...server,
    api,
    problemOf: outageProblem,
    dependencies: { ...projection.dependencies, rules: () => rulesState(reader, markets) },
  });
  requireRevalidation(app);
  const feed = new ChangeFeed(new ChangeLog(reader, { columns: [], channel: changesAppended }), log, { maySkip: true });
  const rules = new RuleBook(reader, markets);
  const statuses = new RowLoader((ids) => findStatuses(reader, 'priced_products', ids));
  const consistency = new Consistency({ feed, statuses, metrics });
  app.addHook('preClose', async () => consistency.stop());
  const answers = new Answers(new PricedProducts(reader, feed, rules), new Snapshots(lines));
  const [defaultMarket = ''] = markets.keys();
  const queries = { answers, consistency, rules, defaultMarket, now, position: () => feed.position };
  for (const route of routes) route(app, queries);
  const work = async (signal: AbortSignal) => {
    const other = await otherRules(sql, markets).catch(() => undefined); // Health reports it as well.
    if (other !== undefined) log.warn(other);
    await Promise.all([projection.work(signal), feed.run(signal), unlistNowAndThen(sql, { log, now }, signal)]);
  };
  return { app, work };
}

const routes = [priorPriceRoute, priorPricesRoute, priceLineRoute, pictureRoute, fileRoute, reductionsRoute];

/** Other rules than the configured ones are no fault: answers use the rules of their generation, and name them. */
async function rulesState(sql: Sql, markets: Markets): Promise<DependencyState> {
  const other = await otherRules(sql, markets);
  return other === undefined ? { status: 'up' } : { status: 'up', detail: other };
}

const api = {
  title: 'Catalogue prices',
  description: `Lists the prices of each product over time, and gives the prior price that a trader in the EU must show with a price reduction: the lowest price of at least the 30 days before (Directive 98/6/EC, article 6a). Each answer names its rule and the event that it rests on. This is not legal advice.

- **Read your own write**: send the \`Consistency-Token\` that a command returned as a header, or as \`?after=\`. The answer
  then includes that write.`,
  tags: {
    'Prior prices': 'The prior price of a product, now or at an earlier time.',
    'Price lines': 'Which price of a product was applied when.',
    Reductions: 'The reductions in force.',
  },
};
