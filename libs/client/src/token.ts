type Fetch = typeof globalThis.fetch;

const unauthenticated = 401;

/**
 * Sends each request with an access token, and once more with another token if the API refuses the first. Follows no redirect, so
 * that no other origin gets the token. `token` is called again for each request: it should remember its token until it expires.
 */
export function withToken(fetch: Fetch, token: () => Promise<string>): Fetch {
  const send = async (...[input, init]: Parameters<Fetch>): Promise<Response> => {
    const headers = new Headers(init?.headers);
    headers.set('authorization', `Bearer ${await token()}`);
    return await fetch(input, { ...init, headers, redirect: 'error' });
  };
  return async (input, init) => {
    const response = await send(input, init);
    if (response.status !== unauthenticated) return response;
    await response.body?.cancel();
    return await send(input, init);
  };
}
