import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import { Problem } from './problem.ts';
import { securityHeaders } from './security-headers.ts';

/** The problem of bytes that cannot be read as a request. */
export function invalidBytes(detail: string): Problem {
  return new Problem('invalid-request', detail, { faults: [{ pointer: '', message: detail }] });
}

/** The bytes of the last answer on a connection. */
export function refusalOf(problem: Problem): string {
  const requestId = randomUUID();
  const body = JSON.stringify(problem.toBody(requestId));
  const headers = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`,
    'Connection: close',
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${requestId}`,
    ...Object.entries(securityHeaders).map(([name, value]) => `${name}: ${value}`),
  ];
  return `${headers.join('\r\n')}\r\n\r\n${body}`;
}
