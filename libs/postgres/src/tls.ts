import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { checkServerIdentity, type ConnectionOptions, getCACertificates } from 'node:tls';

type Ssl = 'require' | 'prefer' | ConnectionOptions | false;

/** An address without the parameters of TLS, and what they mean to postgres.js; `ssl` is absent without them. */
export interface SecuredAddress {
  dsn: string;
  ssl?: Ssl;
}

const parameters = ['ssl', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey'];

/**
 * Reads `sslmode`, `sslrootcert`, `sslcert` and `sslkey` of an address as libpq does
 * (https://www.postgresql.org/docs/18/libpq-ssl.html). Two differences: without `sslmode`, connections are not
 * encrypted; and without `sslrootcert`, `verify-ca` and `verify-full` trust the authorities that the system trusts.
 * postgres.js (3.4.9) alone verifies nothing under `require`, and sends `sslrootcert` to the server.
 * @throws if a file cannot be read.
 */
export function securedAddress(dsn: string): SecuredAddress {
  const url = URL.parse(dsn);
  if (url === null || !parameters.some((name) => url.searchParams.has(name))) return { dsn };
  const [ssl, sslmode, root, cert, key] = parameters.map((name) => url.searchParams.get(name) ?? undefined);
  for (const name of parameters) url.searchParams.delete(name);
  const mode = sslmode ?? ssl ?? (root === undefined ? 'prefer' : 'require');
  const own = { ...read('cert', cert), ...read('key', key) };
  return { dsn: url.href, ssl: meaningOf(mode, root, url.hostname, own) };
}

function meaningOf(mode: string, root: string | undefined, host: string, own: object): Ssl {
  // The system's authorities sign certificates for everybody, so libpq also compares the host name.
  const strict = root === 'system' ? 'verify-full' : mode === 'require' && root !== undefined ? 'verify-ca' : mode;
  switch (strict) {
    case 'disable':
      return false;
    case 'allow':
    case 'prefer':
      return 'prefer';
    case 'require':
      return Object.keys(own).length === 0 ? 'require' : { rejectUnauthorized: false, ...own };
    case 'verify-ca':
      return { ca: authorities(root), checkServerIdentity: () => undefined, ...own };
    default:
      return { ca: authorities(root), ...identityOf(host), ...own };
  }
}

/** postgres.js names no host where it is an address, and Node.js would then expect the name `localhost`. */
function identityOf(host: string): ConnectionOptions {
  const address = host.replaceAll(/[[\]]/g, '');
  if (isIP(address) === 0) return {};
  return { checkServerIdentity: (_, certificate) => checkServerIdentity(address, certificate) };
}

function authorities(root: string | undefined): string | string[] {
  if (root !== undefined && root !== 'system') return readFileSync(root, 'utf8');
  return [...getCACertificates('default'), ...getCACertificates('system')];
}

function read(name: string, file: string | undefined) {
  return file === undefined ? {} : { [name]: readFileSync(file, 'utf8') };
}
