import type { Answer } from './connection.ts';

/** `?` with the parameters that are given; empty without any. */
export function queryString(parameters: Record<string, string | number | undefined>): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== '') given.set(name, String(value));
  }
  return given.size === 0 ? '' : `?${given}`;
}

/** The query parameters of the next page’s link (RFC 8288). Ignores the link’s path, which a gateway may change. */
export function nextOf({ headers }: Answer): URLSearchParams | undefined {
  const [, target] = /<([^<>]*)>\s*;\s*rel="?next"?/.exec(headers.get('link') ?? '') ?? [];
  return target === undefined ? undefined : new URL(target, 'http://relative').searchParams;
}

/** The items of all pages. Asks for a page when the loop reaches it, with the parameter `name` from the page before. */
export async function* pagesOf<T>(
  ask: (next: string | undefined) => Promise<Answer>,
  name = 'cursor',
): AsyncGenerator<T> {
  let next: string | undefined;
  do {
    const answer = await ask(next);
    yield* answer.body as T[];
    next = nextOf(answer)?.get(name) ?? undefined;
  } while (next !== undefined);
}

/** 128 random bits. Browsers offer `crypto.randomUUID` only in secure contexts. */
export function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
