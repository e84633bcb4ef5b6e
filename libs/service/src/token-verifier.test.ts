import { audience, type Issuer, startIssuer } from '@catalogue/testing';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { setClockAhead } from '../test/clock.ts';
import { createLogger } from './logger.ts';
import { TokenVerifier } from './token-verifier.ts';

let issuer: Issuer;
beforeAll(async () => {
  issuer = await startIssuer(['shop']);
});
afterAll(async () => {
  await issuer?.[Symbol.asyncDispose]();
});

const read = () => issuer.token('shop', 'catalogue:read');

/** A verifier that knows the issuer's keys. */
async function startVerifier(): Promise<TokenVerifier> {
  const rules = { issuer: issuer.url, audience, algorithms: ['ES256'] };
  const verifier = new TokenVerifier(rules, createLogger('test', 'silent'));
  expect(await verifier.state()).toEqual({ status: 'up' });
  return verifier;
}

test('a verified token is remembered for a minute, and then goes through the key set again', async () => {
  const verifier = await startVerifier();
  const token = await issuer.sign({
    iss: issuer.url,
    aud: audience,
    sub: 'shop',
    exp: Math.floor(Date.now() / 1000) + 3_600,
  });
  await verifier.verify(token);
  setClockAhead(59_000);
  expect(verifier.known(token)?.subject).toBe('shop');
  setClockAhead(61_000);
  expect(verifier.known(token)).toBeUndefined();
  expect(verifier.wasValid(token)).toBe(true);
});

test('a token was valid until it is refused or expires, whatever becomes of the keys meanwhile', async () => {
  const verifier = await startVerifier();
  const token = await read();
  expect(verifier.wasValid(token)).toBe(false);
  await verifier.verify(token);
  const [first, second] = [await read(), await read()];
  await verifier.verify(first);
  await verifier.verify(second);
  await issuer.rotate();
  setClockAhead(3_600_000);
  await verifier.verify(await read());
  expect([verifier.known(first), verifier.wasValid(first)]).toEqual([undefined, true]);
  await expect(verifier.verify(first)).rejects.toMatchObject({ type: 'unauthenticated' });
  expect([verifier.wasValid(first), verifier.wasValid(second)]).toEqual([false, true]);
  const spy = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 86_400_000);
  onTestFinished(() => spy.mockRestore());
  expect(verifier.wasValid(second)).toBe(false);
});

test('a token whose key is replaced while it is verified is not remembered', async () => {
  const verifier = await startVerifier();
  const token = await read();
  await issuer.rotate();
  const newer = await read();
  // The keys are old, so that they are loaded again.
  setClockAhead(3_600_000);
  const check = crypto.subtle.verify.bind(crypto.subtle);
  vi.spyOn(crypto.subtle, 'verify').mockImplementationOnce(async (...given) => {
    await verifier.verify(newer);
    return await check(...given);
  });
  expect((await verifier.verify(token)).subject).toBe('shop');
  expect(verifier.known(token)).toBeUndefined();
  await expect(verifier.verify(token)).rejects.toMatchObject({ type: 'unauthenticated' });
});
