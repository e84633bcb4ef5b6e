// node main.ts: an issuer of access tokens over HTTPS, for trying the secured system. Its settings are in README.md.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { clients, pageClient, users } from './accounts.ts';
import { kept, read, setting } from './files.ts';
import { createProvider, newSigningKey, type SigningKey } from './provider.ts';

const url = setting('ISSUER_URL', 'https://localhost:8443');
const page = setting('PAGE_URL', 'https://localhost:8081/');
const audience = setting('AUTH_AUDIENCE', 'https://catalogue.example');
const secrets = setting('SECRETS', '/secrets');
const state = setting('STATE', '/state');
const tls = {
  cert: read(setting('TLS_CERT_FILE', '/secrets/tls.crt')),
  key: read(setting('TLS_KEY_FILE', '/secrets/tls.key')),
};
const passwords = new Map(Object.keys(users).map((user) => [user, read(join(secrets, 'users', user))]));

const answer = createProvider({
  url,
  audience,
  key: JSON.parse(kept(join(state, 'signing-key.json'), () => JSON.stringify(newSigningKey()))) as SigningKey,
  cookieKey: kept(join(state, 'cookie-key'), () => randomBytes(32).toString('hex')),
  clients: Object.entries(clients).map(([id, scope]) => ({ id, scope, secret: read(join(secrets, 'clients', id)) })),
  page: { id: pageClient, url: page, refreshes: true, admit },
  lifetime: 300,
});
const server = createServer({ ...tls, minVersion: 'TLSv1.2' }, (request, response) => {
  if (request.url?.startsWith('/health/') === true) response.end('{"status":"up"}');
  else answer(request, response);
});
server.once('error', (error) => {
  console.error(error.message);
  process.exit(1);
});
server.listen(Number(setting('PORT', '8443')), process.env['HOST'] ?? '0.0.0.0', () => {
  console.log(
    `This issuer is for trying the system on one machine, not for production: it knows the users ${[...passwords.keys()].join(' and ')}, ` +
      `keeps sessions in memory, and is given its passwords in files. It answers at ${url}.`,
  );
});
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    server.close(() => process.exit(0));
    server.closeAllConnections();
  });
}

function admit(user: string, password: string): string | undefined {
  const wanted = passwords.get(user);
  if (wanted === undefined || !timingSafeEqual(digest(password), digest(wanted))) return undefined;
  return users[user];
}

/** Texts of different lengths cannot be compared in constant time. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
