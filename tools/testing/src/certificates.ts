import { type Certificate, createAuthority as create, type Validity } from '@catalogue/issuer';

export type { Certificate };

/** A certificate authority for one test. */
export interface Authority extends Certificate {
  /** A certificate for a server at 127.0.0.1, or for the host that is named. It is valid for a year from now. */
  issue(host?: string, validity?: Validity): Promise<Certificate>;
  /** An authority that this one vouches for. */
  delegate(): Promise<Authority>;
}

/** Creates a certificate authority that nobody else trusts. */
export async function createAuthority(): Promise<Authority> {
  return forTests(await create('Test authority'));
}

function forTests(authority: Awaited<ReturnType<typeof create>>): Authority {
  return {
    cert: authority.cert,
    key: authority.key,
    issue: (host = '127.0.0.1', validity) => authority.issue(host, [host], validity),
    delegate: async () => forTests(await create('Test authority of a department', {}, authority)),
  };
}
