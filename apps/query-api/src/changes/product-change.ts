import type { Sql } from '@catalogue/postgres';
import { changesAppended, type ProductRead, selectionOf, shownFields } from '@catalogue/read-schema';
import { ChangeLog, type LoggedChange } from '@catalogue/reading';

/** The product after a change; unknown fields are null. */
type Shown = { [Field in Exclude<keyof ProductRead, 'id' | 'version'>]: ProductRead[Field] | null };

/** A change of a product, as query-worker recorded it. */
export interface ProductChange extends LoggedChange, Shown {
  /** The effect that readers see. `none`: only the version moved, or events were parked. */
  kind: 'created' | 'updated' | 'discontinued' | 'none';
  /**
   * The visible price before the change; null if the product was not visible, or if a worker of an older release recorded the
   * change.
   */
  priceBefore: string | null;
}

const shownColumns = selectionOf(
  shownFields.filter((field) => field !== 'id' && field !== 'version'),
  'change',
);

/** The change log of the catalogue’s read model. */
export function openProductLog(sql: Sql): ChangeLog<ProductChange> {
  return new ChangeLog(sql, {
    columns: ['change.kind', shownColumns, 'change.price_before as "priceBefore"'],
    channel: changesAppended,
  });
}
