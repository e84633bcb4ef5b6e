import { type Static, Type } from '@sinclair/typebox';
import { challengeHeader, requestIdHeader, retryAfterHeader } from './response-headers.ts';

/** All kinds of refusals and faults that a client can get, with their status and title (RFC 9457). */
const problems = {
  'invalid-request': { status: 400, title: 'The request is malformed or invalid' },
  unauthenticated: { status: 401, title: 'The request needs a valid access token' },
  forbidden: { status: 403, title: 'The access token does not allow this' },
  'not-found': { status: 404, title: 'The resource does not exist' },
  'method-not-allowed': { status: 405, title: 'The resource does not support this method' },
  'not-acceptable': { status: 406, title: 'The resource has no representation of an accepted type' },
  'request-timeout': { status: 408, title: 'The request was not complete in time' },
  'product-discontinued': { status: 409, title: 'The product was discontinued' },
  'products-claimed': { status: 409, title: 'Other promotions have some of the products at that time' },
  'id-taken': { status: 409, title: 'The id was used for another request' },
  'names-unknown': { status: 409, title: 'The names of some products are not known' },
  'not-possible': { status: 409, title: 'The state of the promotion does not allow this' },
  'version-mismatch': { status: 412, title: 'The resource is at another version' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'The media type of the body is not supported' },
  'expectation-failed': { status: 417, title: 'The expectation of the request is not supported' },
  'key-reused': { status: 422, title: 'The idempotency key was used for another request' },
  'too-many-requests': { status: 429, title: 'Too many requests' },
  internal: { status: 500, title: 'The service failed' },
  overloaded: { status: 503, title: 'The service is overloaded' },
  unavailable: { status: 503, title: 'A dependency is down' },
  'read-model-behind': { status: 503, title: 'The read model has not caught up in time' },
  'product-parked': { status: 503, title: 'The product’s events wait for an operator' },
} as const;

export type ProblemType = keyof typeof problems;

/** One fault of a request: a message, and a JSON pointer into the body, or a slash and the name of a parameter or header. */
export interface Fault {
  pointer: string;
  message: string;
}

/** A refusal for the client. Anyone may read `detail`, so it must not contain SQL or host names. */
export class Problem extends Error {
  readonly type: ProblemType;
  readonly faults: readonly Fault[] | undefined;
  readonly headers: Record<string, string>;

  constructor(type: ProblemType, detail: string, { faults, headers = {} }: ProblemOptions = {}) {
    super(detail);
    this.type = type;
    this.faults = faults;
    this.headers = headers;
  }

  get status(): number {
    return problems[this.type].status;
  }

  toBody(requestId: string): ProblemBody {
    const { status, title } = problems[this.type];
    return {
      type: this.type,
      title,
      status,
      detail: this.message,
      instance: requestId,
      ...(this.faults === undefined ? {} : { errors: [...this.faults] }),
    };
  }
}

interface ProblemOptions {
  faults?: readonly Fault[];
  headers?: Record<string, string>;
}

/** The body of every error, sent as `application/problem+json`. */
export const ProblemBody = Type.Object(
  {
    type: Type.String({ description: 'The kind of problem: one of a closed list.', examples: ['invalid-request'] }),
    title: Type.String({ description: 'A summary, the same for every problem of this type.' }),
    status: Type.Integer(),
    detail: Type.String({ description: 'What is wrong with this request.' }),
    instance: Type.String({ description: 'The request id, which the logs contain.' }),
    errors: Type.Optional(Type.Array(Type.Object({ pointer: Type.String(), message: Type.String() }))),
  },
  { $id: 'Problem', title: 'Problem' },
);
export type ProblemBody = Static<typeof ProblemBody>;

/** The response schemas of a route for these problems, by status. */
export function problemResponses(...types: ProblemType[]) {
  const byStatus = Map.groupBy(types, (type) => problems[type].status);
  return Object.fromEntries([...byStatus].map(([status, some]) => [status, responseOf(status, some)]));
}

function responseOf(status: number, types: readonly ProblemType[]) {
  return {
    description: types.map((type) => `\`${type}\`: ${problems[type].title}`).join('; '),
    headers: {
      ...requestIdHeader,
      ...(status === 429 || status === 503 ? retryAfterHeader : {}),
      ...(status === 401 || status === 403 ? challengeHeader : {}),
    },
    content: {
      'application/problem+json': {
        schema: { $ref: 'Problem#' },
        examples: Object.fromEntries(types.map((type) => [type, { value: exampleOf(type) }])),
      },
    },
  };
}

function exampleOf(type: ProblemType): ProblemBody {
  const faults = type === 'invalid-request' ? [{ pointer: '/price', message: 'Is required' }] : undefined;
  const problem = new Problem(type, problems[type].title, faults === undefined ? {} : { faults });
  return problem.toBody('0f8fad5b-d9cb-469f-a165-70867728950e');
}
