import { type ConsistencyToken, decodeToken } from '@catalogue/contracts';
import { type FastifyReply, Problem } from '@catalogue/service';
import { Type } from '@sinclair/typebox';
import { clientGone } from './client-gone.ts';

const maxTokens = 20;
const tokenList = { pattern: '^[A-Za-z0-9_-]+( *, *[A-Za-z0-9_-]+)*$', examples: ['MTowMThmMw'] };

/** The headers of a query that waits for writes. */
export const WaitHeaders = {
  'consistency-token': Type.Optional(
    Type.String({
      ...tokenList,
      description: `The token that a command returned: the answer includes its write. Up to ${maxTokens}, separated by commas`,
    }),
  ),
  prefer: Type.Optional(
    Type.String({
      description: '`wait=N`: seconds to wait for the writes of the tokens; 2 when absent, 10 at most',
      examples: ['wait=5'],
    }),
  ),
};

/** The same in the query string, for clients that cannot set headers. */
export const WaitParameters = {
  after: Type.Optional(Type.String({ ...tokenList, description: 'The same as the header Consistency-Token' })),
};

/** The problems of a query that waits for writes, beside those of any query. */
export const waitProblems = ['overloaded', 'read-model-behind', 'product-parked'] as const;

/** The writes that an answer has to include, and how long it may wait for them. */
export interface Wait {
  tokens: readonly ConsistencyToken[];
  waitMs: number;
  /** Aborted when the client no longer waits for the answer. */
  gone: () => AbortSignal;
}

/** A request whose headers and query string have `WaitHeaders` and `WaitParameters`. */
interface WaitingRequest {
  headers: { 'consistency-token'?: string | undefined; prefer?: string | undefined };
  query: { after?: string | undefined };
}

/**
 * The wait that a request asks for.
 * @throws {Problem} `invalid-request` for a malformed token, and for more than 20 tokens.
 */
export function requestedWait({ headers, query }: WaitingRequest, reply: FastifyReply): Wait {
  let gone: AbortSignal | undefined;
  return {
    tokens: tokensOf(headers['consistency-token'], query.after),
    waitMs: waitOf(headers.prefer),
    // Made when it is needed: few requests wait.
    gone: () => (gone ??= clientGone(reply)),
  };
}

function tokensOf(header: string | undefined, after: string | undefined): ConsistencyToken[] {
  if (header === undefined && after === undefined) return [];
  const [ofHeader, ofQuery] = [header?.split(',') ?? [], after?.split(',') ?? []];
  const count = ofHeader.length + ofQuery.length;
  // Counted before decoding: a header has room for thousands.
  if (count > maxTokens) throw invalid('/after', `Must be at most ${maxTokens} with those of the header, not ${count}`);
  return [...decode(ofHeader, '/consistency-token'), ...decode(ofQuery, '/after')];
}

function decode(parts: readonly string[], pointer: string): ConsistencyToken[] {
  return parts.map((part) => {
    const token = decodeToken(part.trim());
    // PostgreSQL’s text cannot contain NUL, so no id does.
    if (token === undefined || token.id.includes('\0'))
      throw invalid(pointer, 'Is not a token that a command returned');
    return token;
  });
}

function invalid(pointer: string, message: string): Problem {
  return new Problem('invalid-request', 'A consistency token is not valid', { faults: [{ pointer, message }] });
}

const defaultWaitSeconds = 2;
const maxWaitSeconds = 10;

/** Milliseconds that a query may wait: `wait` in the header Prefer (RFC 7240). A value that is not a number is ignored. */
function waitOf(prefer: string | undefined): number {
  const [, seconds = defaultWaitSeconds] = /(?:^|,)\s*wait\s*=\s*"?(\d+)"?\s*(?:[;,]|$)/i.exec(prefer ?? '') ?? [];
  return Math.min(Number(seconds), maxWaitSeconds) * 1000;
}
