import { type EventDefinitions, versionsWithoutUpcaster } from './event-definition.ts';
import { productEvents } from './product-events.ts';

/** Brings the payload of an event to the newest version of its type. */
export type Upcast = (type: string, schemaVersion: number, payload: object) => object;

/** An event of a later release: its type (`known` is 0) or its version is unknown here. */
export class LaterEvent extends Error {
  override readonly name = 'LaterEvent';
  readonly type: string;
  readonly known: number;
  readonly found: number;

  constructor(type: string, known: number, found: number) {
    const expected = known === 0 ? 'a known type of event' : `${type} at schema version ${known} or older`;
    super(`Expected ${expected}, found ${type} at schema version ${found}: a later release wrote it`);
    this.type = type;
    this.known = known;
    this.found = found;
  }
}

/**
 * An upcaster for some types of event; throws at once when a step is missing, not at the first old event.
 *
 * A payload of the newest version is returned unchanged. No schema is checked here.
 */
export function createUpcaster(definitions: EventDefinitions): Upcast {
  for (const [type, definition] of Object.entries(definitions)) {
    const [missing] = versionsWithoutUpcaster(definition);
    if (missing !== undefined) throw new Error(`${type} has no upcaster from version ${missing} to ${missing + 1}`);
  }
  return (type, schemaVersion, payload) => {
    const definition = definitions[type];
    const known = definition?.schemaVersion ?? 0;
    if (schemaVersion > known) throw new LaterEvent(type, known, schemaVersion);
    let newest = payload as Record<string, unknown>;
    for (let version = schemaVersion; version < known; version++) {
      const step = definition?.upcasters?.[version];
      if (step === undefined)
        throw new RangeError(`Expected ${type} at schema version 1 to ${known}, found ${version}`);
      newest = step(newest);
    }
    return newest;
  };
}

/**
 * Brings a stored payload to the newest version, for readers without a codec.
 * @throws {LaterEvent} for an unknown type or version.
 */
export const upcast: Upcast = createUpcaster(productEvents);
