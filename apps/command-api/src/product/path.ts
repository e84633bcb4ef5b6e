import { Problem } from '@catalogue/service';
import { type Static, Type } from '@sinclair/typebox';

export const ProductPath = Type.Object({ id: Type.String({ description: 'The product’s id, a UUID' }) });

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * The product id in a path.
 * @throws {Problem} `not-found` for an id that is not a UUID: no product in the event store can have it.
 */
export function idOf({ id }: Static<typeof ProductPath>): string {
  const canonical = id.toLowerCase();
  if (!uuid.test(canonical)) throw new Problem('not-found', 'The product does not exist');
  return canonical;
}
