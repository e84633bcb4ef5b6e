import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { audience, startIssuer } from '@catalogue/testing';
import { errors } from 'jose';
import { expect, onTestFinished, test } from 'vitest';
import { setClockAhead } from '../test/clock.ts';
import { KeySet } from './key-set.ts';
import { createLogger } from './logger.ts';

/** The keys of a server, until the test ends. */
async function keysFrom(listener: RequestListener) {
  const server = createServer(listener);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void (server.closeAllConnections(), server.close()));
  const jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
  const keys = new KeySet({ jwksUrl, audience, algorithms: ['ES256'] }, createLogger('test', 'silent'), () => {});
  return { server, keys };
}

test('a service with old keys is ready at once while the issuer hangs', async () => {
  await using issuer = await startIssuer(['shop']);
  let hangs = false;
  const { server, keys } = await keysFrom((_request, response) => {
    if (!hangs) response.end(JSON.stringify({ keys: [issuer.publicKey()] }));
  });
  expect(await keys.state()).toEqual({ status: 'up' });
  hangs = true;
  setClockAhead(3_600_000);
  const asked = once(server, 'request');
  const state = await Promise.race([keys.state(), delay(1_000, 'not ready')]);
  expect(state).toMatchObject({ status: 'up' });
  // The keys are loaded all the same.
  await asked;
});

test('a thousand made-up key ids ask a slow issuer once, and delay no token with a known key', async () => {
  await using issuer = await startIssuer(['shop']);
  const answers: (() => void)[] = [];
  let asked = 0;
  const { server, keys } = await keysFrom((_request, response) => {
    asked += 1;
    answers.push(() => response.end(JSON.stringify({ keys: [issuer.publicKey()] })));
    if (asked === 1) answers.pop()?.();
  });
  const key = (kid: string) => keys.key({ alg: 'ES256', kid }, { payload: '', signature: '' });
  const known = issuer.publicKey().kid ?? '';
  await key(known);
  setClockAhead(6_000);
  const asking = once(server, 'request');
  const refusals = Promise.allSettled(Array.from({ length: 1_000 }, async (_, i) => await key(`made-up-${i}`)));
  await asking;
  expect(await key(known)).toBeDefined();
  answers.pop()?.();
  const reasons = (await refusals).map((outcome) => outcome.status === 'rejected' && (outcome.reason as unknown));
  expect(reasons.every((reason) => reason instanceof errors.JWKSNoMatchingKey)).toBe(true);
  await Promise.allSettled(Array.from({ length: 1_000 }, async (_, i) => await key(`another-${i}`)));
  expect(asked).toBe(2);
});
