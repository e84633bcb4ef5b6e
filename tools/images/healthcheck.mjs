// node healthcheck.mjs [live|ready]: exit code 0 if the service of this container is alive or ready. Images have no curl.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { get as getHttp } from 'node:http';
import { get as getHttps } from 'node:https';
import { text } from 'node:stream/consumers';

const about = process.argv[2] ?? 'live';
const options = {
  host: '127.0.0.1',
  port: setting('METRICS_PORT') || setting('PORT'),
  path: `/health/${about}`,
  signal: AbortSignal.timeout(2_500),
};
const hasTls = ['TLS_CERT', 'TLS_CERT_FILE'].some((variable) => process.env[variable]?.trim());
// The certificate names the host of the service, not 127.0.0.1. The request stays in the container and carries no secret.
const request = hasTls ? getHttps({ ...options, rejectUnauthorized: false }) : getHttp(options);
const [answer] = await once(request, 'response');
const body = await text(answer);
if (answer.statusCode !== 200) {
  console.error(body);
  process.exitCode = 1;
}

/** As the service reads it. */
function setting(variable) {
  const file = process.env[`${variable}_FILE`]?.trim();
  return (file ? readFileSync(file, 'utf8') : process.env[variable])?.trim();
}
