import type { Page } from '@catalogue/page';
import { type AuthSettings, type FastifyReply, type FastifyRequest, Problem, type Server } from '@catalogue/service';
import { Type } from '@sinclair/typebox';
import { promisify } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';

/** Content in each content coding that a browser may accept. */
interface Coded {
  type: string;
  br: Uint8Array;
  gzip: Uint8Array;
  identity: Uint8Array;
}

/** The services that the page calls beside query-api. */
interface Addresses {
  commandApiUrl: string;
  /** Empty without price-history. */
  pricesUrl: string;
  /** Empty without promotions. */
  promotionsUrl: string;
  /** Undefined if the page does not sign in. */
  signIn: SignIn | undefined;
}

/** Where the page gets its access tokens. */
interface SignIn {
  issuer: string;
  client: string;
  audience: string;
}

/** How the page signs in; undefined without a client, and where no issuer is known. */
export function signInOf(auth: AuthSettings, client: string): SignIn | undefined {
  if (auth === 'off' || auth.issuer === undefined || client === '') return undefined;
  return { issuer: auth.issuer, client, audience: auth.audience };
}

/** Serves the catalogue page at `/` and its files. The page reads here, and sends its commands to command-api. */
export async function pageRoutes(app: Server, { document, files }: Page, addresses: Addresses): Promise<void> {
  const { commandApiUrl, pricesUrl, promotionsUrl, signIn } = addresses;
  const html = document
    .replaceAll('{{command-api}}', attribute(commandApiUrl))
    .replaceAll('{{prices}}', attribute(pricesUrl))
    .replaceAll('{{promotions}}', attribute(promotionsUrl))
    .replaceAll('{{sign-in}}', signIn === undefined ? '' : attribute(JSON.stringify(signIn)));
  const page = await coded('text/html; charset=utf-8', Buffer.from(html));
  const byName = new Map<string, Coded>();
  for (const { name, type, content } of files) byName.set(name, await coded(type, content));
  const policy = policyFor(addresses);

  app.get('/', { schema: { hide: true } }, (request, reply) => {
    reply.headers({
      'content-security-policy': policy,
      // The names of its scripts contain a hash of their content, so only the document has to be revalidated.
      'cache-control': 'no-cache',
    });
    return send(request, reply, page);
  });

  const params = Type.Object({ name: Type.String() });
  app.get('/page/:name', { schema: { hide: true, params } }, (request, reply) => {
    const file = byName.get(request.params.name);
    if (file === undefined) throw new Problem('not-found', 'The page has no such file');
    reply.headers({ 'cache-control': 'public, max-age=31536000, immutable', 'content-security-policy': workerPolicy });
    return send(request, reply, file);
  });
}

/** The policy for a file that runs on its own, as the page’s shared worker does: it may only query query-api. */
const workerPolicy = "default-src 'none'; connect-src 'self'";

/**
 * Allows only our own files, the APIs and the issuer: no text in the catalogue can become code, and no token can be
 * sent elsewhere. A page that signs in fetches its pictures, and shows them as blobs, because an image sends no token.
 */
function policyFor({ commandApiUrl, pricesUrl, promotionsUrl, signIn }: Addresses): string {
  const [prices, promotions, issuer] = [pricesUrl, promotionsUrl, signIn?.issuer ?? ''].map((url) =>
    url === '' ? '' : ` ${new URL(url).origin}`,
  );
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `img-src 'self'${signIn === undefined ? prices : ' blob:'}`,
    `connect-src 'self' ${new URL(commandApiUrl).origin}${prices}${promotions}${issuer}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    // The page starts one script itself: its shared worker.
    'trusted-types stream-worker',
  ].join('; ');
}

/** Takes 40 ms, once at the start. */
async function coded(type: string, content: Uint8Array): Promise<Coded> {
  const [br, zipped] = await Promise.all([promisify(brotliCompress)(content), promisify(gzip)(content)]);
  return { type, br, gzip: zipped, identity: content };
}

/** Whether `Accept-Encoding` lists a coding, and not with `q=0` (RFC 9110, 12.5.3). */
const isTaken = {
  br: /(?:^|,)\s*br\s*(?:,|$|;\s*q=(?:1|0\.0*[1-9]))/i,
  gzip: /(?:^|,)\s*gzip\s*(?:,|$|;\s*q=(?:1|0\.0*[1-9]))/i,
};

function send(request: FastifyRequest, reply: FastifyReply, { type, ...byCoding }: Coded): FastifyReply {
  const taken = request.headers['accept-encoding'] ?? '';
  const coding = (['br', 'gzip'] as const).find((name) => isTaken[name].test(taken));
  if (coding !== undefined) reply.header('content-encoding', coding);
  return reply
    .type(type)
    .header('vary', 'accept-encoding')
    .send(Buffer.from(byCoding[coding ?? 'identity']));
}

function attribute(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}
