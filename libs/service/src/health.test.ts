import { expect, test } from 'vitest';
import { checkReadiness } from './health.ts';

test('a process is ready while its dependencies are up, catching up or standing by', async () => {
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

test('a dependency that fails is down and named by its error code, because a message may name hosts', async () => {
  const dependencies = {
    database: () => Promise.reject(Object.assign(new Error('connect ECONNREFUSED 10.0.0.1'), { code: 'ECONNREFUSED' })),
    kafka: () => ({ status: 'up' as const }),
  };
  expect(await checkReadiness(dependencies, false)).toMatchObject({
    ready: false,
    dependencies: { database: { status: 'down', detail: 'ECONNREFUSED' }, kafka: { status: 'up' } },
  });
});

test('a right that is missing in the database is named', async () => {
  const message = 'permission denied for table events';
  const database = () => Promise.reject(Object.assign(new Error(message), { code: '42501' }));
  expect(await checkReadiness({ database }, false)).toMatchObject({
    dependencies: { database: { status: 'down', detail: message } },
  });
});

test('a dependency that does not answer within a second is down', async () => {
  const never = () => new Promise<never>(() => {});
  expect(await checkReadiness({ database: never }, false)).toMatchObject({
    ready: false,
    dependencies: { database: { status: 'down', detail: 'No response within 1 s' } },
  });
});

test('a process that is stopping is not ready, whatever its dependencies say', async () => {
  expect(await checkReadiness({}, true)).toEqual({ ready: false, status: 'stopping', dependencies: {} });
});
