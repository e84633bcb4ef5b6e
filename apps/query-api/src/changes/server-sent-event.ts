import { productColumns, shownFields } from '@catalogue/read-schema';
import type { LogPosition } from '@catalogue/reading';
import type { ProductChange } from './product-change.ts';

const made = new WeakMap<ProductChange, string>();

/** A change as a server-sent event; empty for a change without visible effect. Formatted once. */
export function eventOf(generation: number, change: ProductChange): string {
  const known = made.get(change);
  if (known !== undefined) return known;
  const text = change.kind === 'none' ? '' : format(generation, change);
  made.set(change, text);
  return text;
}

function format(generation: number, change: ProductChange): string {
  const { seq, mark, kind } = change;
  const shown = Object.fromEntries(
    shownFields.map((field) => {
      const value = change[field];
      const isDecimal = productColumns[field].type === 'numeric' && value !== null;
      return [field, isDecimal ? Number(value) : value];
    }),
  );
  return `id: ${idOf({ generation, seq, mark })}\nevent: product.${kind}\ndata: ${JSON.stringify(shown)}\n\n`;
}

/** Tells a client that it may have missed changes: it has to reload the list, and continues from here. */
export function resetTo(position: LogPosition): string {
  return `id: ${idOf(position)}\nevent: reset\ndata: {}\n\n`;
}

/** Keeps a connection open, and tells a filtered stream’s client how far it is. A block without data is not an event. */
export function heartbeatAt(position: LogPosition): string {
  return `: still here\nid: ${idOf(position)}\n\n`;
}

/** Opaque to clients. Without a mark, the id has the form of releases before marks existed. */
export function idOf({ generation, seq, mark }: LogPosition): string {
  return mark === undefined ? `${generation}-${seq}` : `${generation}-${seq}-${(mark ?? 0).toString(36)}`;
}

/** The position that an id encodes; undefined if the id is malformed. */
export function positionOf(id: string): LogPosition | undefined {
  const [, generation, seq, mark] = /^(\d{1,9})-(\d{1,15})(?:-([0-9a-z]{1,11}))?$/.exec(id) ?? [];
  if (seq === undefined) return undefined;
  return { generation: Number(generation), seq: Number(seq), mark: mark === undefined ? undefined : markOf(mark) };
}

/** Marks begin at 1. */
function markOf(text: string): number | null {
  return Number.parseInt(text, 36) || null;
}
