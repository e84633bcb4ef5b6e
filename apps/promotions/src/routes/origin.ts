import type { FastifyRequest } from '@catalogue/service';
import type { Origin } from '../tables/announce.ts';

/** The origin of a change, for the log and the events. */
export function originOf({ id: requestId, traceparent, subject }: FastifyRequest): Origin {
  return { requestId, traceparent, ...(subject === '' ? {} : { subject }) };
}
