import { isIP } from 'node:net';
import { type CertificateExtension, generate, type SubjectAltNameEntry } from 'selfsigned';

/** A certificate with its key, as PEM texts. */
export interface Certificate {
  cert: string;
  key: string;
}

export interface Authority extends Certificate {
  /** A certificate for a server with these names or addresses, and for a client that has the common name. */
  issue(commonName: string, hosts: readonly string[], validity?: Validity): Promise<Certificate>;
}

/** When a certificate is valid: from an hour ago for a year, unless said otherwise. */
export interface Validity {
  notBeforeDate?: Date;
  notAfterDate?: Date;
}

const common = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const;
/** Clocks of other machines may be behind. */
const earlierMs = 3_600_000;
const yearMs = 365 * 86_400_000;

/** Creates a certificate authority that nobody else trusts, or one that `parent` vouches for. */
export async function createAuthority(name: string, validity: Validity = {}, parent?: Certificate): Promise<Authority> {
  const usage = { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true } as const;
  const extensions = [{ name: 'basicConstraints', cA: true, critical: true } as const, usage];
  const by = parent === undefined ? {} : { ca: parent };
  const dates = datesOf(validity);
  const own = await generate([{ name: 'commonName', value: name }], { ...common, ...dates, ...by, extensions });
  return authorityOf({ cert: own.cert, key: own.private });
}

/** The authority that has this certificate and key. */
export function authorityOf(ca: Certificate): Authority {
  return { ...ca, issue: (commonName, hosts, validity = {}) => issue(ca, commonName, hosts, validity) };
}

async function issue(
  ca: Certificate,
  name: string,
  hosts: readonly string[],
  validity: Validity,
): Promise<Certificate> {
  const altNames = hosts.map((host): SubjectAltNameEntry => {
    return isIP(host) === 0 ? { type: 2, value: host } : { type: 7, ip: host };
  });
  const extensions: CertificateExtension[] = [
    { name: 'keyUsage', digitalSignature: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
    ...(altNames.length === 0 ? [] : [{ name: 'subjectAltName', altNames } as const]),
  ];
  const issued = await generate([{ name: 'commonName', value: name }], {
    ...common,
    ...datesOf(validity),
    ca,
    extensions,
  });
  return { cert: issued.cert, key: issued.private };
}

function datesOf(validity: Validity): Required<Validity> {
  const now = Date.now();
  return { notBeforeDate: new Date(now - earlierMs), notAfterDate: new Date(now + yearMs), ...validity };
}
