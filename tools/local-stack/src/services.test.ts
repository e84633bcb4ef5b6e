import { expect, test } from 'vitest';
import { whyNotReady } from './services.ts';

test('dependencies that are not up are named with their state and detail', () => {
  const dependencies = {
    kafka: { status: 'down', detail: 'ECONNREFUSED' },
    'read database': { status: 'starting' },
    'event store': { status: 'up' },
    topic: { status: 'catching-up', detail: '12 behind' },
  };
  expect(whyNotReady(503, JSON.stringify({ dependencies }))).toBe(
    'kafka is down (ECONNREFUSED), read database is starting',
  );
});

test.each(['', 'null', '[1]', '<html>', '{"status":"stopping"}'])(
  'another answer is described by its status: %s',
  (body) => {
    expect(whyNotReady(503, body)).toBe('it answers 503');
  },
);
