/** A date that is far away, or made up, holds nobody up for longer: then the API is asked again. */
const longestMs = 300_000;
/** The three forms of RFC 9110, 5.6.7. `Date.parse` takes much else for a date, such as "Room 7". */
const httpDate = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},? [A-Za-z0-9 :-]{10,30}$/;

/**
 * Milliseconds that an answer asks to wait: its `Retry-After` has seconds or, from gateways, a date. The date is by the clock of
 * the answer's own `Date`, or by this machine's where a browser does not show that. 0 for a date that is past, and for anything else.
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
  // The oldest form names no zone, and is GMT like the others.
  const time = Date.parse(text.endsWith(' GMT') ? text : `${text} GMT`);
  return Number.isNaN(time) ? undefined : time;
}
