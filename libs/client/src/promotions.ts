import type { CallOptions, ChangeOptions, CommandOptions } from './catalogue.ts';
import { type CallerOptions, type Connection, connector, one, type Request } from './connection.ts';
import { isProblem } from './problem.ts';
import type {
  NewPromotion,
  Promotion,
  PromotionEvent,
  PromotionItem,
  PromotionItemState,
  PromotionPage,
  PromotionPreview,
  PromotionProgress,
  PromotionState,
  PromotionTransition,
} from './promotion.ts';
import { newKey, nextOf, pagesOf, queryString } from './request.ts';
import { promotionChanges, type StreamOptions, streamFrom } from './stream.ts';

/** `timeout`, `token` and `fetch` are as in `CatalogueOptions`. */
export interface PromotionsOptions extends CallerOptions {
  /** Where promotions is, for example `http://localhost:8085`; in a browser also a path. */
  promotions: string;
}

export type OperationOptions = Omit<ChangeOptions, 'idempotencyKey'>;

/** In these states a promotion is cancelled already: its prices were never applied, or are being given back. */
const cancelled: readonly PromotionState[] = ['cancelled', 'compensating', 'undone'];

/**
 * Schedules, follows and operates promotions. Every call is retried while promotions is down. It fails with
 * `CatalogueProblem` when promotions refuses it, and with `CatalogueUnreachable` when the timeout has passed.
 */
export class Promotions {
  readonly #api: Connection;

  /** @throws {TypeError} for an invalid address or timeout. */
  constructor(options: PromotionsOptions) {
    this.#api = connector(options)('promotions', options.promotions);
  }

  /**
   * Schedules a promotion. A large one (1 000 products or more) comes back as `claiming`, and becomes `scheduled` or
   * `refused`. A key never expires.
   * @throws {CatalogueProblem} `products-claimed` if another promotion has one of its products in its period.
   */
  async schedule(
    promotion: NewPromotion,
    { signal, idempotencyKey = newKey() }: CommandOptions = {},
  ): Promise<Promotion> {
    const headers = { ...json, 'idempotency-key': idempotencyKey };
    return (await this.#send('POST', '/promotions', { headers, body: promotion, signal })) as Promotion;
  }

  /** The prices that a promotion would have now. Schedules nothing. */
  async preview(promotion: NewPromotion, { signal }: CallOptions = {}): Promise<PromotionPreview> {
    const path = '/promotions?dryRun=true';
    const request = { headers: json, body: promotion, has: 'items', signal };
    return (await this.#send('POST', path, request)) as PromotionPreview;
  }

  /** @throws {CatalogueProblem} `not-found` if it does not exist. */
  async get(id: string, { signal }: CallOptions = {}): Promise<PromotionProgress> {
    return (await this.#send('GET', pathOf(id), { has: one, signal })) as PromotionProgress;
  }

  /** Loads one page of promotions, the newest first: the first page, or the one at `cursor`, the `next` of an earlier page. */
  async page(
    query: { limit?: number | undefined; cursor?: string | undefined } = {},
    { signal }: CallOptions = {},
  ): Promise<PromotionPage> {
    const answer = await this.#api.send({ method: 'GET', path: `/promotions${queryString(query)}`, signal });
    const next = nextOf(answer)?.get('cursor') ?? undefined;
    return { promotions: answer.body as Promotion[], ...(next === undefined ? {} : { next }) };
  }

  /** All promotions, the newest first. Loads each page when the loop reaches it. */
  async *list(options: CallOptions = {}): AsyncGenerator<Promotion> {
    let cursor: string | undefined;
    do {
      const { promotions, next } = await this.page({ cursor }, options);
      yield* promotions;
      cursor = next;
    } while (cursor !== undefined);
  }

  /** The products of a promotion, by id; all, or those in one state. Loads each page when the loop reaches it. */
  async *items(
    id: string,
    query: { state?: PromotionItemState | undefined } = {},
    { signal }: CallOptions = {},
  ): AsyncGenerator<PromotionItem> {
    yield* pagesOf<PromotionItem>((cursor) => {
      const path = `${pathOf(id)}/items${queryString({ ...query, cursor })}`;
      return this.#api.send({ method: 'GET', path, signal });
    });
  }

  /** Every transition of a promotion, the oldest first. */
  async log(id: string, { signal }: CallOptions = {}): Promise<PromotionTransition[]> {
    return (await this.#send('GET', `${pathOf(id)}/log`, { signal })) as PromotionTransition[];
  }

  /**
   * The promotions that change, with their progress, from now on or after `lastEventId`. The stream reconnects and
   * resumes after a lost connection, and ends when the signal is aborted or the loop exits. To keep a list current:
   * open the stream, load the list when `onConnection` reports `live`, apply the events, and reload the list on
   * `reset`.
   */
  stream(options: StreamOptions = {}): AsyncGenerator<PromotionEvent> {
    return streamFrom(this.#api, promotionChanges, options);
  }

  /**
   * Cancels a promotion: before its start nothing changes, afterwards every price is given back. A promotion that is
   * cancelled already stays as it is.
   */
  async cancel(id: string, options: OperationOptions = {}): Promise<Promotion> {
    try {
      return await this.#operate(id, 'cancel', options);
    } catch (error) {
      // An earlier attempt, whose answer was lost, may have cancelled it, and so changed its version.
      if (!isProblem(error, 'not-possible', 'version-mismatch')) throw error;
      const { items: _, ...promotion } = await this.get(id, options);
      if (!cancelled.includes(promotion.state)) throw error;
      return promotion;
    }
  }

  /**
   * Tries failed products again. If an answer is lost, the client’s retry may fail with `not-possible`, or with
   * `ifMatch` with `version-mismatch`, although the first attempt took effect: check with `get`.
   */
  async retry(id: string, options: OperationOptions = {}): Promise<Promotion> {
    return await this.#operate(id, 'retry', options);
  }

  /** Keeps the promoted prices, and ends the promotion. After a lost answer, check with `get`, as for `retry`. */
  async keep(id: string, options: OperationOptions = {}): Promise<Promotion> {
    return await this.#operate(id, 'keep', options);
  }

  /**
   * Moves the end of a promotion that is scheduled, applying or active to an instant (RFC 3339, with an offset).
   * Succeeds if the promotion has this end already, even with an old `ifMatch`.
   */
  async changeEnd(id: string, endsBefore: string, { signal, ifMatch }: OperationOptions = {}): Promise<Promotion> {
    const headers = { 'content-type': 'application/merge-patch+json', ...condition(ifMatch) };
    try {
      return (await this.#send('PATCH', pathOf(id), { headers, body: { endsBefore }, signal })) as Promotion;
    } catch (error) {
      // An earlier attempt, whose answer was lost, may have moved the end, and so changed the version.
      if (!isProblem(error, 'version-mismatch')) throw error;
      const { items: _, ...promotion } = await this.get(id, { signal });
      if (Date.parse(promotion.endsBefore) !== Date.parse(endsBefore)) throw error;
      return promotion;
    }
  }

  async #operate(id: string, operation: string, { signal, ifMatch }: OperationOptions): Promise<Promotion> {
    const path = `${pathOf(id)}/${operation}`;
    return (await this.#send('POST', path, { headers: condition(ifMatch), signal })) as Promotion;
  }

  async #send(
    method: 'GET' | 'POST' | 'PATCH',
    path: string,
    rest: Pick<Request, 'headers' | 'body' | 'has' | 'signal'>,
  ): Promise<unknown> {
    return (await this.#api.send({ method, path, ...rest })).body;
  }
}

const json = { 'content-type': 'application/json' };

function condition(ifMatch: number | undefined): Record<string, string> {
  return ifMatch === undefined ? {} : { 'if-match': `"${ifMatch}"` };
}

/** @throws {TypeError} for an id that a URL cannot carry. */
function pathOf(id: string): string {
  if (['', '.', '..'].includes(id)) throw new TypeError(`"${id}" cannot be a promotion's id`);
  return `/promotions/${encodeURIComponent(id)}`;
}
