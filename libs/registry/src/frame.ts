import type { Type } from 'avsc';

/** A decoded value, and the offset after it; -1 if the bytes end before it does. */
export interface Framed {
  value: unknown;
  offset: number;
}

/** Bytes of the magic byte and of the schema's id. */
export const headLength = 5;

/** All calls write into this buffer first. For a larger record, `frame` allocates another one. */
const scratch = Buffer.alloc(4_096);

/** Confluent's wire format: byte 0, the schema's id, the record. */
export function frame(schemaId: number, type: Type, record: unknown): Buffer {
  const end = type.encode(record, scratch, headLength);
  // Beyond the buffer it is the negative number of missing bytes.
  if (end >= 0) {
    scratch.writeUInt32BE(schemaId, 1);
    return Buffer.from(scratch.subarray(0, end));
  }
  const head = Buffer.alloc(headLength);
  head.writeUInt32BE(schemaId, 1);
  return Buffer.concat([head, type.toBuffer(record)]);
}

/** The schema's id in a framed message; undefined for other messages, and for one that ends within the id. */
export function schemaIdIn(value: Uint8Array | null): number | undefined {
  if (value === null || value.length < headLength || value[0] !== 0) return undefined;
  return at(value, 1) * 2 ** 24 + (at(value, 2) << 16) + (at(value, 3) << 8) + at(value, 4);
}

function at(value: Uint8Array, index: number): number {
  return value[index] as number;
}
