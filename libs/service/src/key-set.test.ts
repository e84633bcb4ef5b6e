import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { audience, startIssuer } from '@catalogue/testing';
import { expect, onTestFinished, test } from 'vitest';
import { setClockAhead } from '../test/clock.ts';
import { KeySet } from './key-set.ts';
import { createLogger } from './logger.ts';

test('a service with old keys is ready at once while the issuer hangs', async () => {
  await using issuer = await startIssuer(['shop']);
  let hangs = false;
  const server = createServer((_request, response) => {
    if (!hangs) response.end(JSON.stringify({ keys: [issuer.publicKey()] }));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void (server.closeAllConnections(), server.close()));
  const jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
  const keys = new KeySet({ jwksUrl, audience, algorithms: ['ES256'] }, createLogger('test', 'silent'), () => {});
  expect(await keys.state()).toEqual({ status: 'up' });
  hangs = true;
  setClockAhead(3_600_000);
  const asked = once(server, 'request');
  const state = await Promise.race([keys.state(), delay(1_000, 'not ready')]);
  expect(state).toMatchObject({ status: 'up' });
  // The keys are loaded all the same.
  await asked;
});
