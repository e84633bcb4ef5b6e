import type { TSchema } from '@sinclair/typebox';

type Payload = Record<string, unknown>;

/** A type of event: the current version of its schema, the schema, and the upcasters from older versions. */
export interface EventDefinition {
  schemaVersion: number;
  payload: TSchema;
  /**
   * For each older version the step to the next one: `{ 1: (payload) => … }` makes version 2. A step is pure and does not
   * change its argument. The older payload is unchecked except for its `id`; the result of the last step is checked.
   */
  upcasters?: Readonly<Record<number, (payload: Payload) => Payload>>;
}

/** Types of event by name. */
export type EventDefinitions = Readonly<Record<string, EventDefinition>>;

/** The older versions without an upcaster; empty when every stored event can be upcast. */
export function versionsWithoutUpcaster({ schemaVersion, upcasters = {} }: EventDefinition): number[] {
  const older = Array.from({ length: schemaVersion - 1 }, (_, index) => index + 1);
  return older.filter((version) => upcasters[version] === undefined);
}
