export { type Certificate, createAuthority, type Validity } from './authority.ts';
export { createProvider, type IssuerOptions, newSigningKey, type SigningKey } from './provider.ts';
