/** A write that a reader wants to see: the product at this version or later. */
export interface ConsistencyToken {
  id: string;
  version: number;
}

/** The token that a command answers with. Opaque to clients: base64url of the version and the product's id. */
export function encodeToken({ id, version }: ConsistencyToken): string {
  return Buffer.from(`${version}:${id}`).toString('base64url');
}

/** The content of a token; undefined for text that `encodeToken` did not make. */
export function decodeToken(text: string): ConsistencyToken | undefined {
  const [, version, id] = /^([1-9]\d{0,9}):(.+)$/s.exec(Buffer.from(text, 'base64url').toString()) ?? [];
  if (version === undefined || id === undefined) return undefined;
  const token = { id, version: Number(version) };
  return encodeToken(token) === text ? token : undefined;
}
