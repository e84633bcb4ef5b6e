import { type ProductChange, productEvents, upcast } from '@catalogue/contracts';
import type { EventForm } from '../commit/decide-stream.ts';

/** The form of products' events: written in the newest schema version, read in any. */
export const productEventForm: EventForm<ProductChange> = {
  schemaVersionOf: (type) => productEvents[type].schemaVersion,
  changeOf: ({ type, schemaVersion, payload }) =>
    ({ type, payload: upcast(type, schemaVersion, payload) }) as ProductChange,
};
