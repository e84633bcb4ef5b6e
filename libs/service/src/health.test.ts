import { expect, test } from 'vitest';
import { checkReadiness } from './health.ts';

test('all up, catching up or standing by is ready', async () => {
  const dependencies = {
    database: async () => ({ status: 'up' as const }),
    projection: () => ({ status: 'catching-up' as const, detail: '17 events behind' }),
    leadership: () => ({ status: 'standby' as const }),
  };
  expect(await checkReadiness(dependencies, false)).toEqual({
    ready: true,
    status: 'ready',
    dependencies: {
      database: { status: 'up' },
      projection: { status: 'catching-up', detail: '17 events behind' },
      leadership: { status: 'standby' },
    },
  });
});

test('one that fails is down, named by its code only: a message may name hosts', async () => {
  const dependencies = {
    database: () => Promise.reject(Object.assign(new Error('connect ECONNREFUSED 10.0.0.1'), { code: 'ECONNREFUSED' })),
    kafka: () => ({ status: 'up' as const }),
  };
  expect(await checkReadiness(dependencies, false)).toMatchObject({
    ready: false,
    dependencies: { database: { status: 'down', detail: 'ECONNREFUSED' }, kafka: { status: 'up' } },
  });
});

test('one that does not answer within a second is down', async () => {
  const never = () => new Promise<never>(() => {});
  expect(await checkReadiness({ database: never }, false)).toMatchObject({
    ready: false,
    dependencies: { database: { status: 'down', detail: 'No answer within 1 s' } },
  });
});

test('a process that is stopping is not ready, whatever its dependencies say', async () => {
  expect(await checkReadiness({}, true)).toEqual({ ready: false, status: 'stopping', dependencies: {} });
});
