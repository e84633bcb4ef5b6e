import { loadPage } from '@catalogue/page';
import type { Sql } from '@catalogue/postgres';
import {
  ChangeFeed,
  Consistency,
  findStatuses,
  outageProblem,
  PageCache,
  ProductCache,
  QueryQueue,
  requireRevalidation,
  RowLoader,
} from '@catalogue/reading';
import { createServer, type Dependencies, type ProcessOptions, type Server } from '@catalogue/service';
import { OlderChanges } from './changes/older.ts';
import { openProductLog, type ProductChange } from './changes/product-change.ts';
import { StreamHub } from './changes/stream-hub.ts';
import { ListReader } from './listing/list-reader.ts';
import type { ListRequest } from './listing/list-request.ts';
import { showPage } from './listing/shown-page.ts';
import { findProducts } from './product/queries.ts';
import { showProduct } from './product/shown-product.ts';
import { streamRoute } from './routes/changes.ts';
import { pageRoutes, signInOf } from './routes/page.ts';
import { productRoutes } from './routes/products.ts';

export interface AppOptions extends ProcessOptions {
  readModel: Sql;
  /** The same database through another pool: slow lists do not delay single products. */
  listing: Sql;
  /** Where the catalogue page sends its commands. */
  commandApiUrl: string;
  /** Where the page asks for prices; empty without price-history. */
  pricesUrl?: string;
  /** Where the page schedules promotions; empty without promotions. */
  promotionsUrl?: string;
  /** By whose id the page signs in; empty if it does not. */
  pageClientId?: string;
}

export interface App {
  app: Server;
  streams: StreamHub;
  feed: ChangeFeed<ProductChange>;
  /** Follows the changes of the read model until the signal is aborted. Waiting tokens and streams depend on it. */
  work: (signal: AbortSignal) => Promise<void>;
}

/** Builds the HTTP server that answers the catalogue’s queries from the read model. */
export async function buildApp(options: AppOptions): Promise<App> {
  const {
    readModel,
    listing,
    commandApiUrl,
    pricesUrl = '',
    promotionsUrl = '',
    pageClientId = '',
    ...server
  } = options;
  const { log, metrics, auth = 'off' } = server;
  const lists = new ListReader(
    listing,
    new QueryQueue({ maxRunning: listing.options.max, maxWaiting: 500, maxWaitMs: 2_000 }),
  );
  const app = await createServer({
    ...server,
    api,
    problemOf: outageProblem,
    dependencies: { 'read model': checkReadModel(readModel, lists) },
  });
  requireRevalidation(app);
  const productLog = openProductLog(readModel);
  const feed = new ChangeFeed(productLog, log);
  const rows = new RowLoader((ids) => findProducts(readModel, ids, feed.position));
  const products = new ProductCache(feed, (id) => rows.find(id), showProduct);
  const pages = new PageCache(feed, async (list: ListRequest, gone, position) =>
    showPage(list, await lists.page(list, gone, position)),
  );
  const statuses = new RowLoader((ids) => findStatuses(readModel, 'products', ids));
  const consistency = new Consistency({ feed, statuses, metrics });
  const streams = new StreamHub({ feed, older: new OlderChanges(productLog), metrics });
  app.addHook('preClose', async () => {
    consistency.stop();
    streams.stop();
  });
  productRoutes(app, { pages, products, consistency });
  streamRoute(app, { streams, consistency });
  await pageRoutes(app, await loadPage(), {
    commandApiUrl,
    pricesUrl,
    promotionsUrl,
    signIn: signInOf(auth, pageClientId),
  });
  return { app, streams, feed, work: (signal) => feed.run(signal) };
}

const api = {
  title: 'Catalogue queries',
  description: `Shows, lists and searches products, and streams their changes. Commands go to command-api.

- **Read your own write**: send the \`Consistency-Token\` that a command returned as a header, or as \`?after=\`. The answer
  then includes that write; the query waits for it up to the seconds in \`Prefer: wait=N\`.
- **Read all pages**: follow \`Link: <…>; rel="next"\` until it is absent.
- **Stay up to date**: open the stream, then load the list; after a lost connection send \`Last-Event-ID\`.`,
  tags: {
    Products: 'Products as the read model has them now.',
    Changes: 'Changes as server-sent events.',
  },
};

function checkReadModel(readModel: Sql, lists: ListReader): Dependencies[string] {
  let isPrepared = false;
  return async () => {
    // Runs the routes’ statements once: before the service is ready, its connections are open and have prepared them.
    if (isPrepared) await readModel`select 1`;
    else
      await Promise.all([
        findProducts(readModel, []),
        findStatuses(readModel, 'products', []),
        lists.page(anyPage, nobodyLeaves, undefined),
      ]);
    isPrepared = true;
    return { status: 'up' };
  };
}

const anyPage = { filter: {}, limit: 1, after: undefined };
const nobodyLeaves = new AbortController().signal;
