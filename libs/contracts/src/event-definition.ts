import type { TSchema } from '@sinclair/typebox';

type Payload = Record<string, unknown>;

/** A type of event: the version of its schema that is written today, the schema, and the way there from older versions. */
export interface EventDefinition {
  schemaVersion: number;
  payload: TSchema;
  /**
   * By the version it starts from, the step to the next: `{ 1: (payload) => … }` makes version 2. Pure, and never changes its
   * argument. An older payload comes unchecked but for its `id`; what the last step returns is checked.
   */
  upcasters?: Readonly<Record<number, (payload: Payload) => Payload>>;
}

/** Types of event by name. */
export type EventDefinitions = Readonly<Record<string, EventDefinition>>;

/** The older versions from which no step leads on: none, when every stored event can be brought to the newest form. */
export function versionsWithoutUpcaster({ schemaVersion, upcasters = {} }: EventDefinition): number[] {
  const older = Array.from({ length: schemaVersion - 1 }, (_, index) => index + 1);
  return older.filter((version) => upcasters[version] === undefined);
}
