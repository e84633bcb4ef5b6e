import type { FastifyRequest } from '@catalogue/service';
import type { Origin } from '../tables/announce.ts';

/** What the log and the events say about the request that changed a promotion. */
export function originOf({ id: requestId, traceparent, subject }: FastifyRequest): Origin {
  return { requestId, traceparent, ...(subject === '' ? {} : { subject }) };
}
