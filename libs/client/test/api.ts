/** A request as the API receives it. */
export interface Seen {
  method: string;
  url: string;
  header: (name: string) => string | null;
  body: unknown;
}

type Reply = Response | Error | ((seen: Seen, signal: AbortSignal) => Response | Promise<Response>);

/** An API that gives these answers in turn; an Error breaks the connection. */
export function api(...replies: Reply[]) {
  const seen: Seen[] = [];
  const fetch = async (url: string | URL | globalThis.Request, init: RequestInit = {}): Promise<Response> => {
    const { method = 'GET', body, signal } = init;
    const headers = new Headers(init.headers);
    const request: Seen = {
      method,
      url: typeof url === 'string' ? url : 'not a string',
      header: (name) => headers.get(name),
      body: typeof body === 'string' ? JSON.parse(body) : undefined,
    };
    seen.push(request);
    const reply = replies.shift();
    if (reply === undefined) throw new Error(`Nothing is left to answer ${method} ${request.url} with`);
    if (reply instanceof Error) throw reply;
    return typeof reply === 'function' ? reply(request, signal ?? new AbortController().signal) : reply;
  };
  return { fetch, seen };
}

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers });
}

export function problem(status: number, type: string, headers: Record<string, string> = {}): Response {
  const body = { type, title: 'A title', status, detail: 'A detail', instance: 'request-7' };
  return json(body, status, { 'content-type': 'application/problem+json', ...headers });
}

export const broken = new TypeError('fetch failed');
