/** A problem type from the APIs’ closed list. Newer APIs may send more. */
export type ProblemType =
  | 'invalid-request'
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'method-not-allowed'
  | 'not-acceptable'
  | 'request-timeout'
  | 'product-discontinued'
  | 'products-claimed'
  | 'id-taken'
  | 'names-unknown'
  | 'not-possible'
  | 'version-mismatch'
  | 'body-too-large'
  | 'unsupported-media-type'
  | 'expectation-failed'
  | 'key-reused'
  | 'too-many-requests'
  | 'internal'
  | 'overloaded'
  | 'unavailable'
  | 'read-model-behind'
  | 'product-parked';

/** One fault in a request. */
export interface Fault {
  /** A JSON pointer into the body, or `/` and a parameter’s name. */
  pointer: string;
  message: string;
}

/** One of the APIs. */
export type Api = 'commands' | 'queries' | 'prices' | 'promotions';

/** An API’s refusal (RFC 9457). Its type is `unknown` when a proxy answered instead of the API. */
export class CatalogueProblem extends Error {
  override readonly name = 'CatalogueProblem';
  readonly api: Api;
  readonly type: ProblemType | 'unknown';
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  /** The request’s id, by which the API’s logs mention it. */
  readonly instance: string | undefined;
  /** The faults in the request, for `invalid-request`. */
  readonly errors: readonly Fault[];

  constructor(api: Api, status: number, body: unknown) {
    const problem = membersOf(body);
    const title = textOf(problem['title']) ?? `HTTP ${status}`;
    // Another server: it redirects (0 in a browser), or answers with other JSON, or with none.
    const strange = `${body === undefined ? ' without JSON' : ''}${status < 400 ? ': is its address right?' : ''}`;
    const detail = textOf(problem['detail']) ?? `${api} answered ${status}${strange}`;
    const errors = Array.isArray(problem['errors']) ? (problem['errors'] as Fault[]) : [];
    // The message names the faults, too: a log may keep nothing else.
    super([`${title}: ${detail}`, ...errors.map(({ pointer, message }) => `${pointer} ${message}`)].join('; '));
    this.api = api;
    this.type = (textOf(problem['type']) ?? 'unknown') as ProblemType | 'unknown';
    this.status = status;
    this.title = title;
    this.detail = detail;
    this.instance = textOf(problem['instance']);
    this.errors = errors;
  }
}

/** The API did not answer in time, or a command got no token to be sent again. The command may have taken effect. */
export class CatalogueUnreachable extends Error {
  override readonly name = 'CatalogueUnreachable';
  readonly api: Api;

  constructor(api: Api, seconds: number, cause: unknown) {
    super(`${api} gave no answer within ${seconds} s`, { cause });
    this.api = api;
  }
}

/** Whether an error is a refusal of one of these types; of any type if none is given. */
export function isProblem(error: unknown, ...types: readonly ProblemType[]): error is CatalogueProblem {
  if (!(error instanceof CatalogueProblem)) return false;
  return types.length === 0 || types.some((type) => type === error.type);
}

function membersOf(body: unknown): Record<string, unknown> {
  return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
