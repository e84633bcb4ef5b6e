import { setTimeout as delay } from 'node:timers/promises';
import type { Service } from './settings.ts';

/** The health of a service: ready, or why not. `reached` is false if it does not answer. */
interface Health {
  ready: boolean;
  reached: boolean;
  why: string;
}

/** Asks a service whether it is ready; never rejects. */
async function healthOf({ port }: Service): Promise<Health> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/health/ready`, { signal: AbortSignal.timeout(5_000) });
    const body = await response.text();
    return { ready: response.status === 200, reached: true, why: whyNotReady(response.status, body) };
  } catch (error) {
    const late = (error as Error).name === 'TimeoutError';
    return { ready: false, reached: false, why: late ? 'no answer within 5 s' : `nothing listens on port ${port}` };
  }
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
