import type { ProductChange } from '@catalogue/contracts';

/** The state of a product after its events. `version` is the number of events. */
export type Product =
  | { status: 'absent'; version: 0 }
  | { status: 'listed'; version: number; name: string; price: number }
  | { status: 'discontinued'; version: number };

/** A command on a product. With `ifMatch`, it is carried out only at one of these versions. */
export type ProductCommand =
  | { type: 'create'; id: string; name: string; price: number }
  | { type: 'change'; id: string; name?: string; price?: number; ifMatch?: readonly number[] }
  | { type: 'discontinue'; id: string; ifMatch?: readonly number[] };

/** Why a command is not carried out. */
export type Refusal = 'not-found' | 'discontinued' | 'version-mismatch';

export type Decision = { events: [] | [ProductChange] } | { refused: Refusal };

const initial: Product = { status: 'absent', version: 0 };

/** Decides a command: returns its event, none if it changes nothing, or a refusal. */
function decide(command: ProductCommand, product: Product): Decision {
  if (command.type === 'create') return create(command, product);
  if (product.status === 'absent') return { refused: 'not-found' };
  if (product.status === 'discontinued') return { refused: 'discontinued' };
  if (command.ifMatch !== undefined && !command.ifMatch.includes(product.version))
    return { refused: 'version-mismatch' };
  switch (command.type) {
    case 'change':
      return change(command, product);
    case 'discontinue':
      return { events: [{ type: 'ProductDiscontinued', payload: { id: command.id } }] };
    default:
      return command satisfies never;
  }
}

function create({ id, name, price }: ProductCommand & { type: 'create' }, product: Product): Decision {
  // Each create has a new id, so an existing product was created by this command.
  if (product.status !== 'absent') return { events: [] };
  return { events: [{ type: 'ProductCreated', payload: { id, name, price } }] };
}

function change(command: ProductCommand & { type: 'change' }, product: Product & { status: 'listed' }): Decision {
  const { id, name, price } = command;
  const payload = {
    id,
    ...(name === undefined || name === product.name ? {} : { name }),
    ...(price === undefined || price === product.price ? {} : { price }),
  };
  const unchanged = payload.name === undefined && payload.price === undefined;
  return { events: unchanged ? [] : [{ type: 'ProductUpdated', payload }] };
}

/** The product after one more event. */
function evolve(product: Product, event: ProductChange): Product {
  const version = product.version + 1;
  switch (event.type) {
    case 'ProductCreated':
      return { status: 'listed', version, name: event.payload.name, price: event.payload.price };
    case 'ProductUpdated':
      if (product.status !== 'listed') throw new Error(`A product that is ${product.status} cannot be updated`);
      return {
        status: 'listed',
        version,
        name: event.payload.name ?? product.name,
        price: event.payload.price ?? product.price,
      };
    case 'ProductDiscontinued':
      return { status: 'discontinued', version };
    default:
      return event satisfies never;
  }
}

/** The rules of a product, pure: no clock, no randomness, no I/O. */
export const products = { initial, decide, evolve, snapshotSchema: 1 };
