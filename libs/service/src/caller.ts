import { isIP, isIPv6 } from 'node:net';
import type { FastifyRequest } from './fastify.ts';

/** The origin of a request: `ip` comes from a trusted proxy, or from the socket without one. */
interface Origin extends Pick<FastifyRequest, 'ip'> {
  socket: Pick<FastifyRequest['socket'], 'remoteAddress'>;
}

/** Who sent a request, as limits count: the subject of its token, otherwise its address. */
export function callerOf(request: Origin & Pick<FastifyRequest, 'subject'>): string {
  return request.subject === '' ? addressOf(request) : `subject ${request.subject}`;
}

/** The network that a request comes from: one IPv4 address, or an IPv6 network of 2^64 addresses. */
export function addressOf({ ip: said, socket }: Origin): string {
  const ip = isIP(said) === 0 ? (withoutPort(said) ?? socket.remoteAddress ?? '') : said;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1];
  if (mapped !== undefined || !isIPv6(ip)) return `address ${mapped ?? ip}`;
  const [before = '', after] = ip.split('%', 1)[0]?.split('::') ?? [];
  const groups = before === '' ? [] : before.split(':');
  const last = after === undefined || after === '' ? [] : after.split(':');
  if (after !== undefined) while (groups.length + last.length < 8) groups.push('0');
  const network = [...groups, ...last].slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `address ${network.join(':')}`;
}

/** The address without the port that some proxies write into `X-Forwarded-For`; undefined for any other text. */
function withoutPort(text: string): string | undefined {
  const [, v4, v6] = /^(?:([\d.]+):\d+|\[([^\]]+)\](?::\d+)?)$/.exec(text) ?? [];
  if (v4 !== undefined && isIP(v4) === 4) return v4;
  return v6 !== undefined && isIPv6(v6) ? v6 : undefined;
}
