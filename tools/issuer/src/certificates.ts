// node certificates.ts: makes an authority in the folder AUTHORITY, and in a folder of each recipient below SECRETS its
// certificate, key and passwords. Run again, it renews what ends soon or is missing, and changes nothing else.
import { randomBytes, X509Certificate } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { clients, users } from './accounts.ts';
import { type Authority, authorityOf, createAuthority } from './authority.ts';
import { kept, type Owner, read, replace, setting } from './files.ts';
import { type Recipient, recipients } from './recipients.ts';

const authorityFolder = setting('AUTHORITY', '/authority');
const secrets = setting('SECRETS', '/secrets');
const owners = { service: owner('SERVICE_OWNER', '1000:1000'), database: owner('DATABASE_OWNER', '70:70') };
const certificateDays = 365;
/** A certificate is renewed when fewer days are left: at any start of the system in its last quarter. */
const renewedDays = 90;
const dayMs = 86_400_000;

const authority = await loadAuthority();
let renewed = 0;
for (const [name, recipient] of Object.entries(
  recipients({ clients: Object.keys(clients), users: Object.keys(users) }),
)) {
  if (await provide(join(secrets, name), recipient)) renewed += 1;
}
console.log(`${renewed} certificates were made or renewed. Restart the processes that run with renewed ones.`);

/** The authority lives longer than each of its certificates. A new one replaces all of them. */
async function loadAuthority(): Promise<Authority> {
  const [cert, key] = [join(authorityFolder, 'ca.crt'), join(authorityFolder, 'ca.key')];
  if (existsSync(cert) && existsSync(key) && daysLeft(read(cert)) > certificateDays + renewedDays)
    return authorityOf({ cert: read(cert), key: read(key) });
  const created = await createAuthority('Catalogue, for trying it', { notAfterDate: inDays(10 * certificateDays) });
  // A certificate that was written without its key is replaced by the next run.
  rmSync(cert, { force: true });
  replace(key, created.key, 0o600);
  replace(cert, created.cert, 0o644);
  return created;
}

/** Whether its certificate was made. */
async function provide(folder: string, { owner: kind, name, hosts, passwords }: Recipient): Promise<boolean> {
  const to = owners[kind];
  for (const [file, password] of Object.entries(passwords)) {
    const text = kept(join(authorityFolder, 'passwords', password), () => randomBytes(24).toString('hex'));
    replace(join(folder, file), `${text}\n`, 0o400, to);
  }
  replace(join(folder, 'ca.crt'), authority.cert, 0o444, to);
  const wanted = hosts.length === 0 ? [] : [...hosts, 'localhost'];
  const files = ['tls.key', 'tls.pem', 'tls.crt'].map((file) => join(folder, file)) as [string, string, string];
  if (files.every((file) => existsSync(file)) && isGood(read(files[2]), name, wanted)) return false;
  const { cert, key } = await authority.issue(name, wanted, { notAfterDate: inDays(certificateDays) });
  const [keyFile, bothFile, certFile] = files;
  // The certificate comes last: without it, the next run makes all three again.
  rmSync(certFile, { force: true });
  replace(keyFile, key, 0o400, to);
  // Kafka reads both from one file.
  replace(bothFile, `${key}\n${cert}\n`, 0o400, to);
  replace(certFile, cert, 0o444, to);
  return true;
}

function isGood(pem: string, name: string, hosts: readonly string[]): boolean {
  const certificate = new X509Certificate(pem);
  return (
    certificate.verify(new X509Certificate(authority.cert).publicKey) &&
    certificate.subject === `CN=${name}` &&
    hosts.every((host) => certificate.checkHost(host) === host) &&
    daysLeft(pem) > renewedDays
  );
}

function inDays(days: number): Date {
  return new Date(Date.now() + days * dayMs);
}

function daysLeft(pem: string): number {
  return (new X509Certificate(pem).validToDate.getTime() - Date.now()) / dayMs;
}

/** `user:group`, as numbers. */
function owner(variable: string, example: string): Owner {
  const [, uid, gid] = /^(\d+):(\d+)$/.exec(setting(variable, example)) ?? [];
  if (uid === undefined || gid === undefined) {
    console.error(`${variable} must be a user and a group as numbers, for example ${variable}=${example}`);
    process.exit(78);
  }
  return { uid: Number(uid), gid: Number(gid) };
}
