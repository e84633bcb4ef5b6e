// A service whose work runs or fails: node serving.ts <port> <how> [<port of metrics>]. TLS_CERT makes it speak
// HTTPS, and AUTH says whether /echo needs a token.
import { setTimeout as delay } from 'node:timers/promises';
import {
  auth as authSetting,
  createLogger,
  createMetrics,
  createServer,
  readSettings,
  serve,
  serviceSettings,
} from '../src/index.ts';

const [, , port, how, metricsPort] = process.argv;
const { tls, auth } = readSettings({ tls: serviceSettings(0).tls, auth: authSetting }, process.env);
const log = createLogger('serving', 'info');
const app = await createServer({ log, metrics: createMetrics('serving'), dependencies: {}, tls, auth });
app.post('/echo', (request) => request.body);
const work = async (signal: AbortSignal) => {
  if (how === 'fails') throw new Error('broken');
  if (how !== 'nothing') await delay(60_000, undefined, { signal }).catch(() => {});
  if (how === 'stops slowly') await delay(60_000);
  if (how === 'breaks while stopping') {
    setTimeout(() => {
      throw new Error('broken');
    });
    await delay(60_000);
  }
};
await serve(app, {
  port: Number(port),
  host: process.env['HOST'] ?? '127.0.0.1',
  metricsPort: metricsPort === undefined ? undefined : Number(metricsPort),
  log,
  work,
  close: [async () => (how === 'cannot close' ? Promise.reject(new Error('broken')) : undefined)],
});
