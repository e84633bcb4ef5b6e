import { isIPv6 } from 'node:net';
import type { FastifyRequest } from './fastify.ts';

/** Who sent a request, as limits count: the subject of its token, otherwise its address. */
export function callerOf(request: Pick<FastifyRequest, 'subject' | 'ip'>): string {
  return request.subject === '' ? addressOf(request) : `subject ${request.subject}`;
}

/** The network that a request comes from: one address of IPv4, or the 2^64 addresses that one network of IPv6 has. */
export function addressOf({ ip }: Pick<FastifyRequest, 'ip'>): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1];
  if (mapped !== undefined || !isIPv6(ip)) return `address ${mapped ?? ip}`;
  const [before = '', after] = ip.split('%', 1)[0]?.split('::') ?? [];
  const groups = before === '' ? [] : before.split(':');
  const last = after === undefined || after === '' ? [] : after.split(':');
  if (after !== undefined) while (groups.length + last.length < 8) groups.push('0');
  const network = [...groups, ...last].slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `address ${network.join(':')}`;
}
