import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createProvider, newSigningKey } from '@catalogue/issuer';
import { importJWK, type JWK, type JWTPayload, SignJWT } from 'jose';
import type { Certificate } from './certificates.ts';

export const audience = 'https://catalogue.test';

/** An issuer of access tokens on 127.0.0.1: oidc-provider. */
export interface Issuer extends AsyncDisposable {
  readonly url: string;
  /** How many tokens it has given. */
  readonly given: number;
  /** A token of a client for itself: its subject is the client. Scopes are separated by spaces. */
  token(client: string, scope: string): Promise<string>;
  /** Signs any claims with the issuer's present key, as the issuer would not. The header can be changed. */
  sign(claims: JWTPayload, header?: { alg?: string; kid?: string; typ?: string }): Promise<string>;
  /** The present key, as the issuer publishes it. */
  publicKey(): JWK;
  /** Replaces the issuer's key by another. */
  rotate(): Promise<void>;
  /** Lets a page sign users in. They say who they are, without a password. */
  admitPage(page: AdmittedPage): void;
  /** From now on gives JWTs only to those who name the audience as `resource`. */
  requireResource(): void;
  /** Answers requests for tokens with 503, or gives tokens again. */
  withhold(isWithheld: boolean): void;
  /** Refuses connections until the test ends. */
  stop(): Promise<void>;
}

/** A public client: authorization code with PKCE. */
export interface AdmittedPage {
  client: string;
  url: string;
  /** What each user may do: scopes separated by spaces. Others may do nothing. */
  users: Readonly<Record<string, string>>;
  /** Seconds that a token lives. */
  lifetime: number;
  /** Whether it gets refresh tokens. */
  refreshes: boolean;
}

/** Starts an issuer with these clients, whose tokens live for so many seconds. With a certificate, it speaks HTTPS. */
export async function startIssuer(
  clients: readonly string[],
  lifetime = 60,
  certificate?: Certificate,
): Promise<Issuer> {
  let given = 0;
  let isWithheld = false;
  let requiresResource = false;
  let answer: (request: IncomingMessage, response: ServerResponse) => unknown = () => {};
  const handle: RequestListener = (request, response) => {
    if (request.url !== '/token') void answer(request, response);
    else if (isWithheld) response.writeHead(503).end();
    else {
      given += 1;
      void answer(request, response);
    }
  };
  const server = certificate === undefined ? createServer(handle) : createTlsServer(certificate, handle);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `${certificate === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let key = newSigningKey();
  let page: AdmittedPage | undefined;
  const serveKey = () => {
    answer = createProvider({
      url,
      audience,
      requiresResource,
      key,
      clients: clients.map((id) => ({ id, secret: clientSecret, scope: allScopes })),
      page: page && { ...page, id: page.client, admit: (user) => page?.users[user] ?? '' },
      lifetime: page?.lifetime ?? lifetime,
    });
  };
  serveKey();
  return {
    url,
    get given() {
      return given;
    },
    token: (client, scope) => requestToken(url, client, scope),
    sign: async (claims, header = {}) =>
      await new SignJWT(claims)
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: key.kid, ...header })
        .sign(await importJWK(key, key.alg)),
    publicKey: () => {
      const { d: _, ...shown } = key;
      return shown;
    },
    rotate: async () => {
      key = newSigningKey();
      serveKey();
    },
    admitPage: (admitted) => {
      page = admitted;
      serveKey();
    },
    requireResource: () => {
      requiresResource = true;
      serveKey();
    },
    withhold: (value) => {
      isWithheld = value;
    },
    stop: () => stop(server),
    [Symbol.asyncDispose]: () => stop(server),
  };
}

/** Every client's. */
export const clientSecret = 'client-secret';
const allScopes = 'catalogue:read catalogue:write catalogue:ops';

async function requestToken(url: string, client: string, scope: string): Promise<string> {
  const response = await fetch(`${url}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${client}:${clientSecret}`)}` },
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
