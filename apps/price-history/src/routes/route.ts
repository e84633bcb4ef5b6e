import {
  type Consistency,
  type LogPosition,
  requestedWait,
  WaitHeaders,
  WaitParameters,
  waitProblems,
} from '@catalogue/reading';
import { type FastifyReply, Problem, problemResponses, type ResponseHeaders } from '@catalogue/service';
import { Type } from '@sinclair/typebox';
import type { Answered, Answers } from '../answers/answers.ts';

/** The sources of the routes' answers. */
export interface Queries {
  answers: Answers;
  consistency: Consistency;
  /** The position up to which the change log was read; undefined before the first read. */
  position: () => LogPosition | undefined;
  /** The market of requests that name none. */
  defaultMarket: string;
  /** Milliseconds since 1970. */
  now: () => number;
}

export const tagHeader: ResponseHeaders = {
  ETag: { type: 'string', description: 'A digest of the answer, for If-None-Match' },
};

export const linkHeader: ResponseHeaders = {
  Link: { type: 'string', description: '`rel="next"`: the next page, if there is one' },
};

/** The headers of every query. */
export const QueryHeaders = Type.Object({ 'if-none-match': Type.Optional(Type.String()), ...WaitHeaders });

/** The responses of every query, beside its success. */
export const unchanged = {
  304: Type.Unsafe<undefined>(Type.Null({ description: 'The answer still has the ETag that If-None-Match lists' })),
};
export const listProblems = problemResponses('invalid-request', 'not-acceptable', 'unavailable', ...waitProblems);
export const productProblems = problemResponses(
  'invalid-request',
  'not-found',
  'not-acceptable',
  'unavailable',
  ...waitProblems,
);

type Waiting = Parameters<typeof requestedWait>[0];

/** An answer that includes the writes of the request's tokens; `read` may be called several times. */
export async function answered<T>(
  { consistency }: Queries,
  request: Waiting,
  reply: FastifyReply,
  read: (gone: AbortSignal) => Promise<Answered<T> & { shown?: { id: string; version: number } | undefined }>,
  id?: string,
): Promise<T> {
  const wait = requestedWait(request, reply);
  const { answer } = await consistency.answer(wait, async () => await read(wait.gone()), id);
  return answer;
}

/** @throws {Problem} `not-found` for undefined. */
export function found<T>(answer: T | undefined): T {
  if (answer !== undefined) return answer;
  throw new Problem('not-found', 'The product does not exist, or never had a price');
}

export { WaitParameters };
