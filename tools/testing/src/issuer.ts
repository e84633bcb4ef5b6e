import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';
import { type Configuration, Provider } from 'oidc-provider';

export const audience = 'https://catalogue.test';

/** An issuer of access tokens on 127.0.0.1: oidc-provider. */
export interface Issuer extends AsyncDisposable {
  readonly url: string;
  /** A token of a client for itself: its subject is the client. Scopes are separated by spaces. */
  token(client: string, scope: string): Promise<string>;
  /** Signs any claims with the issuer's present key, as the issuer would not. The header can be changed. */
  sign(claims: JWTPayload, header?: { alg?: string; kid?: string; typ?: string }): Promise<string>;
  /** The present key, as the issuer publishes it. */
  publicKey(): JWK;
  /** Replaces the issuer's key by another. */
  rotate(): Promise<void>;
  /** Refuses connections until the test ends. */
  stop(): Promise<void>;
}

/** Starts an issuer with these clients. */
export async function startIssuer(clients: readonly string[]): Promise<Issuer> {
  let answer: (request: IncomingMessage, response: ServerResponse) => unknown = () => {};
  const server = createServer((request, response) => void answer(request, response));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let key = await newKey();
  const serveKey = () => {
    answer = new Provider(url, {
      ...configuration,
      jwks: { keys: [key.jwk] },
      clients: clients.map(clientOf),
    }).callback();
  };
  serveKey();
  return {
    url,
    token: (client, scope) => requestToken(url, client, scope),
    sign: (claims, header = {}) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: key.jwk.kid ?? '', ...header })
        .sign(key.privateKey),
    publicKey: () => {
      const { d: _, ...shown } = key.jwk;
      return shown;
    },
    rotate: async () => {
      key = await newKey();
      serveKey();
    },
    stop: () => stop(server),
    [Symbol.asyncDispose]: () => stop(server),
  };
}

async function newKey() {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(privateKey)), kid: crypto.randomUUID(), alg: 'ES256', use: 'sig' };
  return { privateKey, jwk };
}

const secret = 'client-secret';
const scopes = 'catalogue:read catalogue:write catalogue:ops';

function clientOf(name: string) {
  return {
    client_id: name,
    client_secret: secret,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    id_token_signed_response_alg: 'ES256' as const,
    scope: scopes,
  };
}

const configuration: Configuration = {
  scopes: scopes.split(' '),
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => audience,
      getResourceServerInfo: () => ({
        scope: scopes,
        audience,
        accessTokenTTL: 60,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
};

async function requestToken(url: string, client: string, scope: string): Promise<string> {
  const response = await fetch(`${url}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${client}:${secret}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope }),
  });
  const answer = (await response.json()) as { access_token?: string };
  if (answer.access_token === undefined) throw new Error(`The issuer answered ${JSON.stringify(answer)}`);
  return answer.access_token;
}

async function stop(server: Server): Promise<void> {
  if (!server.listening) return;
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
