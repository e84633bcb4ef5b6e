import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { databaseUser, temporaryHome } from '@catalogue/local-stack';
import type { Authority } from './certificates.ts';
import { startOwnPostgres } from './own-postgres.ts';

/** A server that admits clients over TLS only. All but its superuser need a password; `by_certificate` needs a certificate. */
export interface SecuredPostgres extends AsyncDisposable {
  /** The address of a database; as superuser without a user. The server is verified. */
  dsn(database: string, user?: string, password?: string): string;
}

/** Starts a PostgreSQL server with a certificate for 127.0.0.1, or for another host. Disposing of it removes it. */
export async function startSecuredPostgres(authority: Authority, host?: string): Promise<SecuredPostgres> {
  const home = temporaryHome();
  const folder = join(home.path, 'tls');
  mkdirSync(folder, { mode: 0o700 });
  const { cert, key } = await authority.issue(host);
  const file = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    chmodSync(path, 0o600);
    return path;
  };
  const settings = {
    ssl: 'on',
    ssl_cert_file: file('server.crt', cert),
    ssl_key_file: file('server.key', key),
    ssl_ca_file: file('ca.crt', authority.cert),
    hba_file: file('pg_hba.conf', onlyTls),
  };
  const user = databaseUser();
  if (user) for (const path of [folder, ...Object.values(settings).slice(1)]) chownSync(path, user.uid, user.gid);
  const root = join(home.path, 'ca.crt');
  writeFileSync(root, authority.cert);
  const server = await startOwnPostgres(settings);
  return {
    dsn: (database, name, password = '') => {
      const url = new URL(server.dsn(database));
      if (name !== undefined) Object.assign(url, { username: name, password });
      url.searchParams.set('sslmode', 'verify-full');
      url.searchParams.set('sslrootcert', root);
      return url.href;
    },
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      home.remove();
    },
  };
}

const onlyTls = `hostssl all postgres 127.0.0.1/32 trust
hostssl all by_certificate 127.0.0.1/32 cert
hostssl all all 127.0.0.1/32 scram-sha-256
`;
