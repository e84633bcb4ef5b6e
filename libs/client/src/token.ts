import { orAborted } from './pause.ts';

type Fetch = typeof globalThis.fetch;

const unauthenticated = 401;

/** Why there is no token: the call fails with the cause, because a retry would ask the same function again. */
export class NoToken extends Error {}

/**
 * Sends each request with an access token, and once more with another token if the API refuses the first. `token` is
 * called again for each request: it should remember its token until it expires.
 */
export function withToken(fetch: Fetch, token: () => Promise<string>): Fetch {
  const send = async (...[input, init]: Parameters<Fetch>): Promise<Response> => {
    const text = await orAborted(ask(token), init?.signal);
    const headers = new Headers(init?.headers);
    headers.set('authorization', `Bearer ${text}`);
    return await fetch(input, { ...init, headers });
  };
  return async (input, init) => {
    const response = await send(input, init);
    if (response.status !== unauthenticated) return response;
    await response.body?.cancel();
    return await send(input, init);
  };
}

/** Whether a header can carry the text as an access token: `b64token` of RFC 6750. */
export function isAccessToken(text: unknown): text is string {
  return typeof text === 'string' && /^[\w.~+/-]+=*$/.test(text);
}

/** The token, if a header can carry it. Error messages never repeat it. */
async function ask(token: () => Promise<string>): Promise<string> {
  try {
    const text: unknown = await token();
    if (isAccessToken(text)) return text;
    throw new TypeError('token must return a b64token (RFC 6750), trimmed');
  } catch (cause) {
    throw new NoToken('There is no access token', { cause });
  }
}
