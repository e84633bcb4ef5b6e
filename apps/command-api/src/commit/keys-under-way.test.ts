import { expect, test } from 'vitest';
import { KeysUnderWay } from './keys-under-way.ts';
import { type Outcome, Overloaded } from './submission.ts';

const keyOf = (subject: string, key = 'order-17') => ({ subject, key, fingerprint: 'the request' });

/** Commands that end when the test says so. */
function waitingCommands() {
  const keys = new KeysUnderWay<never>();
  const gate = Promise.withResolvers<Outcome<never>>();
  const send = (caller: string, key = keyOf(caller)) =>
    keys.decide(key, caller, () => gate.promise).catch((error: unknown) => error);
  const finish = () => gate.resolve({ stream: 'a', version: 1 });
  return { send, finish };
}

/** The number of commands that were refused at once, while the others wait. */
async function refusedOf(sent: Promise<unknown>[]): Promise<number> {
  const answers = await Promise.all(sent.map((each) => Promise.race([each, tick()])));
  return answers.filter((answer) => answer instanceof Overloaded).length;
}

const tick = () => new Promise((resolve) => void setImmediate(resolve));

test('a caller that repeats a request thousands of times takes no repeat of another caller', async () => {
  const { send, finish } = waitingCommands();
  const many = Array.from({ length: 3_001 }, () => send('many'));
  const few = Array.from({ length: 11 }, () => send('few'));
  expect([await refusedOf(many), await refusedOf(few)]).toEqual([2_500, 0]);
  finish();
  expect(await Promise.all(few)).toEqual(few.map(() => ({ stream: 'a', version: 1 })));
});

test('repeats of all callers together are bounded, and count until they are answered', async () => {
  const { send, finish } = waitingCommands();
  const sent = Array.from({ length: 100 }, (_, caller) => Array.from({ length: 101 }, () => send(`${caller}`))).flat();
  expect(await refusedOf(sent)).toBe(5_000);
  finish();
  await Promise.all(sent);
  expect(await refusedOf([send('0'), send('0')])).toBe(0);
});
