import { keyOf, parkedMessage, type Read, type Unreadable } from './message.ts';
import type { Model, Tracked } from '../model.ts';
import type { Folded } from './outcome.ts';
import { lastingPlaceOf } from './parked-message.ts';
import { type Known, ProductFold } from './product-fold.ts';

/**
 * Folds messages, those of a partition in order, into the products they are about, and then applies what waits of those
 * that are to be resumed, as far as it can be. Pure: what is known is not changed.
 */
export function projectBatch<Row extends Tracked>(
  model: Model<Row>,
  known: Known<Row>,
  messages: readonly Read[],
  resumed: readonly string[] = [],
): Folded<Row> {
  const folded: Folded<Row> = {
    rows: [],
    steps: [],
    fates: [],
    parked: [],
    released: [],
    firsts: new Map(),
  };
  const folds = new Map<string, ProductFold<Row>>();
  const foldOf = (id: string) => {
    const fold = folds.get(id) ?? new ProductFold(model, id, known, folded.steps);
    folds.set(id, fold);
    return fold;
  };
  for (const message of messages) {
    if ('productId' in message) folded.fates.push(foldOf(message.productId).take(message));
    else if (isDiscarded(message, known)) folded.fates.push('skipped');
    else {
      // Its product is known by its key only: the next event of it will find a version missing.
      folded.parked.push(parkedMessage(message.origin, message.unread));
      folded.fates.push('parked');
    }
  }
  for (const id of resumed) {
    const first = foldOf(id).resume();
    if (first !== undefined) folded.firsts.set(id, first);
  }
  for (const fold of folds.values()) fold.addTo(folded);
  return folded;
}

/** By its lasting place: the topic's name, which the client gives with each message, is that of one made again, too. */
function isDiscarded({ origin }: Unreadable, { discards, topicId }: Omit<Known<Tracked>, 'products'>): boolean {
  const place = lastingPlaceOf(origin, topicId);
  return discards.get(keyOf(origin))?.some(({ eventId }) => eventId === place) ?? false;
}
