import { type ProductChange, productEvents, upcast } from '@catalogue/contracts';
import type { EventForm } from '../commit/decide-stream.ts';

/** How products' events are kept: written in the newest form, read in any. */
export const productEventForm: EventForm<ProductChange> = {
  schemaVersionOf: (type) => productEvents[type].schemaVersion,
  changeOf: ({ type, schemaVersion, payload }) =>
    ({ type, payload: upcast(type, schemaVersion, payload) }) as ProductChange,
};
