// A service whose work runs or fails: node serving.ts <port> <works|fails> [<port of metrics>].
import { setTimeout as delay } from 'node:timers/promises';
import { createLogger, createMetrics, createServer, serve } from '../src/index.ts';

const [, , port, how, metricsPort] = process.argv;
const log = createLogger('serving', 'info');
const app = await createServer({ log, metrics: createMetrics('serving'), dependencies: {} });
app.post('/echo', (request) => request.body);
const work = async (signal: AbortSignal) => {
  if (how === 'fails') throw new Error('broken');
  if (how === 'works') await delay(60_000, undefined, { signal }).catch(() => {});
};
await serve(app, {
  port: Number(port),
  host: '127.0.0.1',
  metricsPort: metricsPort === undefined ? undefined : Number(metricsPort),
  log,
  work,
});
