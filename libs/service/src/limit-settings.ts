import { BlockList, isIP } from 'node:net';
import { type Environment, integer, parseSettings, type Setting } from './settings.ts';

/** What one caller may do. A caller is the subject of an access token, or an address where there is no token. */
export interface Limits {
  /** Requests a second; without a limit when absent. */
  perSecond?: number;
  /**
   * Requests that are not answered yet, or whose work goes on after their clients have left, and open streams; without
   * a limit when absent.
   */
  underWay?: number;
  /** The addresses and networks of proxies: only they may say, by X-Forwarded-For, whose request they pass on. */
  proxies: string[];
}

/** The limits of a caller, from `RATE_LIMIT`, `CONCURRENCY_LIMIT` and `TRUST_PROXY`. */
export const limits: Setting<Limits> = {
  variable: 'RATE_LIMIT',
  example: '100',
  parse: (text, env = {}) => {
    const { perSecond } = parseSettings({ perSecond: integer('RATE_LIMIT', 100, 1, 100_000) }, { RATE_LIMIT: text });
    return { perSecond, ...others(env) };
  },
  absent: (env) => others(env),
};

function others(env: Environment): Limits {
  const { underWay, proxies } = parseSettings({ underWay: concurrency, proxies: trustedProxies }, env);
  return { ...(underWay === 0 ? {} : { underWay }), proxies };
}

const concurrency: Setting<number> = { ...integer('CONCURRENCY_LIMIT', 100, 1, 100_000), fallback: 0 };

const trustedProxies: Setting<string[]> = {
  variable: 'TRUST_PROXY',
  example: '10.0.0.0/8',
  fallback: [],
  parse: (text) => {
    const networks = text.split(',').map((network) => network.trim());
    const wrong = networks.find((network) => !isNetwork(network));
    if (wrong !== undefined) throw new Error(`must be addresses or networks like 10.0.0.0/8, not "${wrong}"`);
    // Fastify refuses it as well, without naming the setting.
    const all = networks.find((network) => /\/0+$/.test(network));
    if (all !== undefined) throw new Error(`must not trust every address, as "${all}" does`);
    return networks;
  },
};

function isNetwork(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  if (prefix === undefined) return true;
  if (!/^\d{1,3}$/.test(prefix)) return false;
  try {
    new BlockList().addSubnet(address, Number(prefix), version === 4 ? 'ipv4' : 'ipv6');
    return true;
  } catch {
    return false;
  }
}
