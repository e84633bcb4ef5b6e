export const itemStates = [
  'waiting',
  'applying',
  'applied',
  'giving-back',
  'given-back',
  'refused',
  'kept',
  'gone',
  'untouched',
  'failed',
] as const;

/**
 * The state of a product in a promotion:
 *
 * | State         | Meaning                                                                                      |
 * | ------------- | -------------------------------------------------------------------------------------------- |
 * | `waiting`     | The product still has its own price; its step is not stored yet                              |
 * | `applying`    | The command that applies the promoted price is stored, and may have been sent                |
 * | `applied`     | The product has the promoted price                                                           |
 * | `giving-back` | The command that returns the former price is stored, and may have been sent                  |
 * | `given-back`  | The product has its former price again                                                       |
 * | `refused`     | The product took no part: command-api or the rule refused its price                          |
 * | `kept`        | Someone else changed the price meanwhile, or an operator keeps the promoted one              |
 * | `gone`        | The product was discontinued meanwhile                                                       |
 * | `untouched`   | The promotion ended before its price was applied                                             |
 * | `failed`      | Its step failed five times, or its outcome cannot be known: an operator decides              |
 */
export type ItemState = (typeof itemStates)[number];

/** How many items a promotion has in each state. */
export type ItemCounts = Readonly<Record<ItemState, number>>;

export const noItems: ItemCounts = Object.freeze(
  Object.fromEntries(itemStates.map((state) => [state, 0])) as Record<ItemState, number>,
);
