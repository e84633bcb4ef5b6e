import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Problem } from './problem.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Makes JSON in UTF-8 the only kind of body (RFC 8259), of the media types that the route's schema `consumes`:
 * `application/json` when it says nothing. No body, or an empty one, is `undefined`, for that schema to judge. Members called
 * `__proto__` or `constructor` are members like others: whoever reads a body asks for its own by name.
 */
export function readJsonBodies(
  app: Pick<FastifyInstance, 'addContentTypeParser' | 'removeAllContentTypeParsers'>,
): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) =>
    done(null, bodyOf(request, body as Buffer)),
  );
}

function bodyOf(request: FastifyRequest, bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  requireReadable(request);
  return parseJson(textOf(bytes));
}

function requireReadable({ headers, mediaType, routeOptions }: FastifyRequest): void {
  const types = routeOptions.schema?.consumes ?? ['application/json'];
  if (!types.includes(mediaType ?? '')) {
    throw new Problem('unsupported-media-type', `Send a body of type ${types.join(' or ')}`, {
      headers: { accept: types.join(', ') },
    });
  }
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding.toLowerCase() === 'identity') return;
  throw new Problem('unsupported-media-type', 'Send the body as it is, without a Content-Encoding', {
    headers: { 'accept-encoding': 'identity' },
  });
}

function textOf(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw malformed('The body is not UTF-8', 'Must be JSON in UTF-8');
  }
}

/**
 * The value of a JSON text, in which a number that no double holds to its last digit is `NaN`, which no schema takes: by
 * `JSON.parse` alone, 0.10000000000000000001 would be 0.1.
 */
export function parseJson(text: string): unknown {
  try {
    return mayHideDigits.test(text) ? JSON.parse(text, keepExact) : JSON.parse(text);
  } catch (error) {
    throw malformed('The body is not JSON', (error as Error).message);
  }
}

// 15 significant digits always come back as they were, unless the exponent leaves the doubles' range. So a text without
// these, as nearly all are, needs no second look: the test takes 0.15 µs, the reviver 2.
const mayHideDigits = /[\d.]{16}|[eE][+-]?\d{3}/;

function keepExact(_key: string, value: unknown, { source }: { source?: string } = {}): unknown {
  if (typeof value !== 'number' || source === undefined || !Number.isFinite(value)) return value;
  return decimalOf(source) === decimalOf(String(value)) ? value : Number.NaN;
}

/** One text for every way to write a decimal number: 39.90 and 3.99e1 are both 399e-1. */
function decimalOf(number: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = decimal.exec(number) ?? [];
  const digits = (whole + fraction).replace(/^0+/, '');
  let end = digits.length;
  while (digits[end - 1] === '0') end -= 1; // /0+$/ takes quadratic time
  const power = Number(exponent) - fraction.length + digits.length - end;
  return end === 0 ? '0' : `${sign}${digits.slice(0, end)}e${power}`;
}

const decimal = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i;

function malformed(detail: string, message: string): Problem {
  return new Problem('invalid-request', detail, { faults: [{ pointer: '', message }] });
}
