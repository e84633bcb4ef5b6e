/** Which problem it is, from the APIs’ closed list; later versions of them may know more. */
export type ProblemType =
  | 'invalid-request'
  | 'not-found'
  | 'method-not-allowed'
  | 'not-acceptable'
  | 'request-timeout'
  | 'product-discontinued'
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

/** One fault of a request. */
export interface Fault {
  /** Where: a JSON pointer into the body, or a parameter’s name behind a slash. */
  pointer: string;
  message: string;
}

/** Which of the two APIs. */
export type Api = 'commands' | 'queries';

/** An API’s refusal (RFC 9457), or, as `unknown`, an answer of something that stands between. */
export class CatalogueProblem extends Error {
  override readonly name = 'CatalogueProblem';
  readonly api: Api;
  readonly type: ProblemType | 'unknown';
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  /** The request’s id, to be found in the logs. */
  readonly instance: string | undefined;
  /** What is wrong with the request, for `invalid-request`. */
  readonly errors: readonly Fault[];

  constructor(api: Api, status: number, body: unknown) {
    const problem = membersOf(body);
    const title = textOf(problem['title']) ?? `HTTP ${status}`;
    const detail = textOf(problem['detail']) ?? `${api} answered ${status}${body === undefined ? ' without JSON' : ''}`;
    const errors = Array.isArray(problem['errors']) ? (problem['errors'] as Fault[]) : [];
    // A log that keeps only the message is to say what was wrong, too.
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

/** An API gave no answer in time: it is down, or the network is. A command may have been carried out. */
export class CatalogueUnreachable extends Error {
  override readonly name = 'CatalogueUnreachable';
  readonly api: Api;

  constructor(api: Api, seconds: number, cause: unknown) {
    super(`${api} gave no answer within ${seconds} s`, { cause });
    this.api = api;
  }
}

/** Whether an error is a refusal, of these types if any are given. */
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
