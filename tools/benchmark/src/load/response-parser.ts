const none = Buffer.alloc(0);
const endOfHeader = Buffer.from('\r\n\r\n');
const contentLength = Buffer.from('\r\ncontent-length: ');
const zero = 48;
/** It has no body, whatever its Content-Length. */
const notModified = 304;

/**
 * Finds the answers in the chunks of a keep-alive connection. It knows the parts of HTTP/1.1 that a load generator needs: the
 * status, and Content-Length.
 */
export class ResponseParser {
  readonly #onResponse: (status: number, response: Buffer) => void;
  #rest = none;

  /** @param onResponse gets the whole answer, which is valid only during the call. */
  constructor(onResponse: (status: number, response: Buffer) => void) {
    this.#onResponse = onResponse;
  }

  /**
   * Takes the next bytes, which may be overwritten afterwards.
   * @throws for an answer that is not HTTP/1.1 or has no length.
   */
  push(chunk: Buffer): void {
    let data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (let end = endOfResponse(data); end !== undefined; end = endOfResponse(data)) {
      this.#onResponse(statusOf(data), data.subarray(0, end));
      data = data.subarray(end);
    }
    this.#rest = data.length === 0 ? none : Buffer.from(data);
  }
}

/** The end of the first answer; undefined while it is incomplete. */
function endOfResponse(data: Buffer): number | undefined {
  if (data.length === 0) return undefined;
  const header = data.indexOf(endOfHeader);
  if (header === -1) return undefined;
  const end = header + endOfHeader.length + (statusOf(data) === notModified ? 0 : lengthOf(data, header));
  return end <= data.length ? end : undefined;
}

function statusOf(data: Buffer): number {
  const [hundreds = 0, tens = 0, ones = 0] = [data[9], data[10], data[11]];
  const status = (hundreds - zero) * 100 + (tens - zero) * 10 + ones - zero;
  if (status >= 200 && status <= 599 && data.toString('latin1', 0, 9) === 'HTTP/1.1 ') return status;
  throw new Error(`Expected a response in HTTP/1.1, got ${JSON.stringify(data.toString('latin1', 0, 40))}`);
}

function lengthOf(data: Buffer, header: number): number {
  // Node writes the name in this case; searching bytes costs a tenth of a regular expression.
  const at = data.indexOf(contentLength);
  if (at === -1 || at > header) return lengthInAnyCase(data.toString('latin1', 0, header));
  let length = 0;
  for (let i = at + contentLength.length; ; i++) {
    const digit = (data[i] ?? 0) - zero;
    if (digit < 0 || digit > 9) return length;
    length = length * 10 + digit;
  }
}

function lengthInAnyCase(header: string): number {
  const [, length] = /\r\ncontent-length:[ \t]*(\d+)/i.exec(header) ?? [];
  if (length === undefined) throw new Error(`A response has no Content-Length:\n${header}`);
  return Number(length);
}
