import { keyOf, parkedMessage, type Read, type Unreadable } from './message.ts';
import type { Model, Tracked } from '../model.ts';
import type { Folded } from './outcome.ts';
import { lastingPlaceOf } from './parked-message.ts';
import { type Known, ProductFold } from './product-fold.ts';

/**
 * Folds messages into their products, those of a partition in order. Then applies the waiting messages of the products
 * to resume, as far as possible. Pure: does not change `known`.
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
      // Its product is unknown, so no queue blocks: the product's next event will miss this version, and wait.
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

/** Compares the place with the topic's id: a recreated topic has the same name. */
function isDiscarded({ origin }: Unreadable, { discards, topicId }: Omit<Known<Tracked>, 'products'>): boolean {
  const place = lastingPlaceOf(origin, topicId);
  return discards.get(keyOf(origin))?.some(({ eventId }) => eventId === place) ?? false;
}
