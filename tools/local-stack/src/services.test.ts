import { expect, test } from 'vitest';
import { whyNotReady } from './services.ts';

test('the dependencies that are not up are named, with what is known', () => {
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
  'any other answer is given by its status: %s',
  (body) => {
    expect(whyNotReady(503, body)).toBe('it answers 503');
  },
);
