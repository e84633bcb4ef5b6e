import { generateKeyPairSync, type JsonWebKey, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ClientMetadata, type Configuration, Provider } from 'oidc-provider';
import { allScopes, isSignIn, signIn, signInPath, type SignInRules } from './sign-in.ts';

export interface IssuerOptions {
  /** The `iss` of its tokens. */
  url: string;
  /** The `aud` of its tokens. */
  audience: string;
  /** Whether only requests that name the audience as `resource` get a JWT. */
  requiresResource?: boolean;
  key: SigningKey;
  clients: readonly ConfidentialClient[];
  page?: PageClient | undefined;
  /** Seconds that an access token lives. */
  lifetime: number;
  /** Signs the cookies of its page; cookies are not signed when absent. */
  cookieKey?: string;
}

/** A private key as JSON (RFC 7517), with `kid` and `alg`. */
export interface SigningKey extends JsonWebKey {
  kid: string;
  alg: 'ES256';
}

/** A client that gets tokens for itself by its secret. */
interface ConfidentialClient {
  id: string;
  secret: string;
  /** The scopes that it may ask for, separated by spaces. */
  scope: string;
}

/** A client in a browser, without a secret: authorization code with PKCE. */
interface PageClient extends SignInRules {
  id: string;
  url: string;
  /** Whether it gets refresh tokens. */
  refreshes: boolean;
}

const alg = 'ES256';

export function newSigningKey(): SigningKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), alg, use: 'sig' };
}

/** An issuer of access tokens, which are JWTs: oidc-provider. Sessions and grants are in memory, and end with the process. */
export function createProvider(options: IssuerOptions): (request: IncomingMessage, response: ServerResponse) => void {
  const { page } = options;
  const provider = new Provider(options.url, configurationOf(options));
  const answer = provider.callback();
  return (request, response) => {
    if (page !== undefined && isSignIn(request)) void signIn(provider, options.audience, page, request, response);
    else void answer(request, response);
  };
}

function configurationOf(options: IssuerOptions): Configuration {
  const { audience, requiresResource = false, key, clients, page, lifetime, cookieKey } = options;
  return {
    jwks: { keys: [key] },
    clients: [...clients.map(clientOf), ...(page === undefined ? [] : [clientOfPage(page)])],
    scopes: ['openid', ...allScopes],
    ...(cookieKey === undefined ? {} : { cookies: { keys: [cookieKey] } }),
    interactions: { url: (_, { uid }) => `${signInPath}${uid}` },
    findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        ...(requiresResource ? {} : { defaultResource: () => audience }),
        getResourceServerInfo: () => ({
          scope: allScopes.join(' '),
          audience,
          accessTokenTTL: lifetime,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg } },
        }),
      },
    },
  };
}

function clientOf({ id, secret, scope }: ConfidentialClient): ClientMetadata {
  return {
    client_id: id,
    client_secret: secret,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    id_token_signed_response_alg: alg,
    scope,
  };
}

function clientOfPage({ id, url, refreshes }: PageClient): ClientMetadata {
  return {
    client_id: id,
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', ...(refreshes ? ['refresh_token'] : [])],
    redirect_uris: [url],
    post_logout_redirect_uris: [url],
    id_token_signed_response_alg: alg,
    scope: ['openid', ...allScopes].join(' '),
  };
}
