import { type CertificateExtension, generate } from 'selfsigned';

/** A certificate with its key, as PEM texts. */
export interface Certificate {
  cert: string;
  key: string;
}

/** A certificate authority for one test. */
export interface Authority extends Certificate {
  /** A certificate for a server at 127.0.0.1, or for the host that is named. */
  issue(host?: string): Promise<Certificate>;
}

const common = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const;

/** Creates a certificate authority that nobody else trusts. */
export async function createAuthority(): Promise<Authority> {
  const usage = { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true } as const;
  const extensions = [{ name: 'basicConstraints', cA: true, critical: true } as const, usage];
  const own = await generate([{ name: 'commonName', value: 'Test authority' }], { ...common, extensions });
  const ca = { cert: own.cert, key: own.private };
  return { ...ca, issue: (host) => issue(ca, host) };
}

async function issue(ca: Certificate, host = '127.0.0.1'): Promise<Certificate> {
  const extensions: CertificateExtension[] = [
    { name: 'keyUsage', digitalSignature: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
    { name: 'subjectAltName', altNames: [host === '127.0.0.1' ? { type: 7, ip: host } : { type: 2, value: host }] },
  ];
  const issued = await generate([{ name: 'commonName', value: host }], { ...common, ca, extensions });
  return { cert: issued.cert, key: issued.private };
}
