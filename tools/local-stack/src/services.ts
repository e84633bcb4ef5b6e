import { once } from 'node:events';
import { get as getHttp, type IncomingMessage, type RequestOptions } from 'node:http';
import { get as getHttps } from 'node:https';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type { Scheme, Service } from './settings.ts';

/** The health of a service: ready, or why not. `reached` is false if it does not answer. */
interface Health {
  ready: boolean;
  reached: boolean;
  why: string;
}

/** Asks a service whether it is ready; never rejects. */
export async function healthOf({ port, scheme }: Pick<Service, 'port' | 'scheme'>): Promise<Health> {
  const signal = AbortSignal.timeout(5_000);
  try {
    const { status, body } = await ask({ host: '127.0.0.1', port, path: '/health/ready', signal }, scheme);
    return { ready: status === 200, reached: true, why: whyNotReady(status, body) };
  } catch {
    const why = signal.aborted ? 'no answer within 5 s' : `nothing answers ${scheme.toUpperCase()} on port ${port}`;
    return { ready: false, reached: false, why };
  }
}

/** The services are on this machine, so nobody else can answer, and their certificate need not be trusted. */
async function ask(options: RequestOptions, scheme: Scheme): Promise<{ status: number; body: string }> {
  const request = scheme === 'https' ? getHttps({ ...options, rejectUnauthorized: false }) : getHttp(options);
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  return { status: answer.statusCode ?? 0, body: await text(answer) };
}

/** The dependencies that are not up in an answer of /health/ready, in one line. */
export function whyNotReady(status: number, body: string): string {
  const dependencies = dependenciesIn(body)
    .filter(([, { status: state }]) => state === 'down' || state === 'starting')
    .map(([name, { status: state, detail }]) => `${name} is ${state}${detail === undefined ? '' : ` (${detail})`}`);
  return dependencies.length > 0 ? dependencies.join(', ') : `it answers ${status}`;
}

type Dependency = [name: string, state: { status?: string; detail?: string }];

function dependenciesIn(body: string): Dependency[] {
  try {
    const { dependencies } = JSON.parse(body) as { dependencies?: Record<string, Dependency[1]> };
    return Object.entries(dependencies ?? {});
  } catch {
    return [];
  }
}

/** Waits until the service is ready; prints every 10 s why it is not, and gives up after two minutes. */
export async function untilReady(service: Service, say: (line: string) => void, signal: AbortSignal): Promise<void> {
  const started = Date.now();
  let nextWord = 10_000;
  for (;;) {
    const health = await healthOf(service);
    if (health.ready) return;
    const waited = Date.now() - started;
    if (waited > 120_000) throw new Error(`${service.name} was not ready within two minutes: ${health.why}`);
    if (waited > nextWord) {
      say(`Waiting for ${service.name}: ${health.why}`);
      nextWord += 10_000;
    }
    await delay(50, undefined, { signal });
  }
}

/** Prints a line whenever the service stops or starts being ready, until aborted. */
export async function watch(service: Service, say: (line: string) => void, signal: AbortSignal): Promise<void> {
  let state = 'ready';
  while (!signal.aborted) {
    await delay(1_000, undefined, { signal }).catch(() => {});
    const health = await healthOf(service);
    const now = health.ready ? 'ready' : health.reached ? 'not ready' : 'gone';
    if (now !== state && !signal.aborted) say(sentence(service, now, health));
    state = now;
  }
}

function sentence({ name }: Service, state: 'ready' | 'not ready' | 'gone', { why }: Health): string {
  if (state === 'ready') return `${name} is ready again`;
  return state === 'gone' ? `${name} has stopped answering: ${why}` : `${name} is not ready: ${why}`;
}
