/** A distant or made-up date delays a retry by no more than this. */
const longestMs = 300_000;
/** The three forms of RFC 9110, 5.6.7. `Date.parse` accepts much more, such as "Room 7". */
const httpDate = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},? [A-Za-z0-9 :-]{10,30}$/;

/**
 * Milliseconds that an answer asks the client to wait. `Retry-After` holds seconds or, from gateways, a date. The date
 * counts from the answer’s own `Date`, or from this machine’s clock where a browser hides that header. 0 for a past
 * date and for a malformed header.
 */
export function retryAfterOf(headers: Headers, now = Date.now()): number {
  const text = headers.get('retry-after')?.trim() ?? '';
  const milliseconds = /^\d+$/.test(text)
    ? Number(text) * 1_000
    : (timeOf(text) ?? 0) - (timeOf(headers.get('date')) ?? now);
  return Math.min(Math.max(0, milliseconds), longestMs);
}

function timeOf(text: string | null): number | undefined {
  if (text === null || !httpDate.test(text)) return undefined;
  // The oldest form names no time zone; it means GMT, as the others do.
  const time = Date.parse(text.endsWith(' GMT') ? text : `${text} GMT`);
  return Number.isNaN(time) ? undefined : time;
}
