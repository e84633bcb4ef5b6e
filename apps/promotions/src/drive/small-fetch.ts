import { Agent, request } from 'undici';

/**
 * As `globalThis.fetch`, for requests with a text as body, and short answers: reads the answer whole, and follows no
 * redirect. It costs a quarter to a third of the CPU time, because it makes no web streams for the bodies.
 * @throws what undici throws, with its `code`, where `fetch` throws a TypeError with that as its cause.
 */
export function smallFetch(): typeof globalThis.fetch {
  const dispatcher = new Agent();
  return async (url, { method = 'GET', headers, body, signal } = {}) => {
    const answer = await request(url as string, {
      dispatcher,
      method: method as 'GET',
      headers: new Headers(headers),
      body: body as string,
      signal: signal ?? null,
    });
    const { statusCode: status, headers: answered } = answer;
    return new Response(await answer.body.text(), { status, headers: answered as Record<string, string> });
  };
}
