import type { IncomingMessage, ServerResponse } from 'node:http';
import { errors, type Provider } from 'oidc-provider';

export const allScopes: readonly string[] = ['catalogue:read', 'catalogue:write', 'catalogue:ops'];
export const signInPath = '/login/';
const maxFormBytes = 4_096;

export interface SignInRules {
  /** What this user may do: scopes separated by spaces; undefined if the user is unknown or the password is wrong. */
  admit(user: string, password: string): string | undefined;
}

export function isSignIn({ url = '' }: IncomingMessage): boolean {
  return url.startsWith(signInPath);
}

/** Asks who the user is, and grants the page what that user may do. Never rejects. */
export async function signIn(
  provider: Provider,
  audience: string,
  rules: SignInRules,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    await answer(provider, audience, rules, request, response);
  } catch (error) {
    if (error instanceof errors.SessionNotFound) {
      show(response, 400, 'This sign-in has ended. Start it again.');
      return;
    }
    console.error(error);
    show(response, 500, 'The sign-in failed.');
  }
}

async function answer(
  provider: Provider,
  audience: string,
  rules: SignInRules,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // Rejects without the cookie of the browser that began this sign-in.
  const { params } = await provider.interactionDetails(request, response);
  if (request.method !== 'POST') {
    show(response, 200, form(''));
    return;
  }
  const fields = await readForm(request);
  if (fields === undefined) {
    show(response, 413, 'The form is too large.');
    return;
  }
  const accountId = fields.get('user') ?? '';
  const allowed = accountId === '' ? undefined : rules.admit(accountId, fields.get('password') ?? '');
  if (allowed === undefined) {
    show(response, 403, form('Unknown user, or wrong password.'));
    return;
  }
  const grant = new provider.Grant({ accountId, clientId: params['client_id'] as string });
  grant.addOIDCScope(`openid ${allowed}`);
  grant.addResourceScope(audience, allowed);
  const denied = allScopes.filter((scope) => !allowed.split(' ').includes(scope)).join(' ');
  grant.rejectOIDCScope(denied);
  grant.rejectResourceScope(audience, denied);
  const result = { login: { accountId }, consent: { grantId: await grant.save() } };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

/** Undefined if it is longer than any user and password. */
async function readForm(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > maxFormBytes) return undefined;
    parts.push(part);
  }
  return new URLSearchParams(Buffer.concat(parts).toString('utf8'));
}

/** Only with texts of this file: nothing is escaped. */
function form(fault: string): string {
  return `<form method="post">${fault === '' ? '' : `<p role="alert">${fault}</p>`}
<p><label>User <input name="user" autocomplete="username" autofocus></label></p>
<p><label>Password <input name="password" type="password" autocomplete="current-password"></label></p>
<p><button>Sign in</button></p></form>`;
}

function show(response: ServerResponse, status: number, body: string): void {
  if (response.headersSent) {
    response.end();
    return;
  }
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    // No form-action: Chromium applies it to the redirects after the form, which end at the page that is signed in to.
    'content-security-policy': "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  });
  response.end(`<!doctype html><html lang="en"><title>Sign in</title>${body}`);
}
