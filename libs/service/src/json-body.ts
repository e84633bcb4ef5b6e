import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Problem } from './problem.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Accepts only bodies of JSON in UTF-8 (RFC 8259), with a media type that the route's schema `consumes`; by default
 * `application/json`. Without a body, or with an empty one, the body is `undefined`; the schema decides whether that is valid.
 * Members called `__proto__` or `constructor` are ordinary members: routes read only the members that their schema names.
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
 * The value of a JSON text. A number that a double cannot represent to its last digit becomes `NaN`, which no schema accepts.
 * `JSON.parse` alone would read 0.10000000000000000001 as 0.1.
 */
export function parseJson(text: string): unknown {
  try {
    return mayHideDigits.test(text) ? JSON.parse(text, keepExact) : JSON.parse(text);
  } catch (error) {
    throw malformed('The body is not JSON', (error as Error).message);
  }
}

// Doubles preserve 15 significant digits, unless the exponent is out of range. So most texts need no reviver: this test takes
// 0.15 µs, the reviver 2 µs.
const mayHideDigits = /[\d.]{16}|[eE][+-]?\d{3}/;

function keepExact(_key: string, value: unknown, { source }: { source?: string } = {}): unknown {
  if (typeof value !== 'number' || source === undefined || !Number.isFinite(value)) return value;
  return decimalOf(source) === decimalOf(String(value)) ? value : Number.NaN;
}

/** The canonical text of a decimal number: 39.90 and 3.99e1 both become 399e-1. */
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
