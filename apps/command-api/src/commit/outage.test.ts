import { createLogger, type Logger } from '@catalogue/service';
import { expect, test, vi } from 'vitest';
import { Outage } from './outage.ts';

function open(answers: (Error | undefined)[]) {
  const lines: string[] = [];
  const log: Logger = createLogger('test', 'silent');
  vi.spyOn(log, 'error').mockImplementation((_, line?: unknown) => void lines.push(String(line)));
  let probes = 0;
  const probe = () => {
    const answer = answers[probes++];
    return answer === undefined ? Promise.resolve() : Promise.reject(answer);
  };
  return { outage: new Outage(probe, log), lines, probes: () => probes };
}

const failure = (code: string) => Object.assign(new Error(`write ${code} 127.0.0.1:5432`), { code });

test('an outage is over when a probe succeeds, and each reason in a row is logged once', async () => {
  const { outage, lines } = open([failure('ECONNREFUSED'), failure('ECONNREFUSED'), failure('57P03'), undefined]);
  outage.begin();
  expect(outage.isOn).toBe(true);
  expect(await outage.isOverWithin(60_000)).toBe(true);
  expect(outage.isOn).toBe(false);
  expect(lines).toHaveLength(2);
});

test.each(['CONNECTION_ENDED', 'CONNECTION_DESTROYED'])(
  'a probe that fails with %s, because the process stops, is no fault of the event store',
  async (code) => {
    const { outage, lines, probes } = open([failure(code)]);
    outage.begin();
    expect(await outage.isOverWithin(60_000)).toBe(false);
    outage.begin();
    expect([outage.isOn, probes(), lines]).toEqual([true, 1, []]);
  },
);
