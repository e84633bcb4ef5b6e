import { jsonCodec } from '@catalogue/contracts';
import { connect } from '@catalogue/postgres';
import { createLogger, createMetrics } from '@catalogue/service';
import { expect, test } from 'vitest';
import { counterModel } from '../test/counter.ts';
import { openProjection } from './projection.ts';

test('a second model in a process is refused', async () => {
  const [log, metrics] = [createLogger('test', 'silent'), createMetrics('test')];
  const sql = connect('postgres://nobody@127.0.0.1:1/none', { name: 'test', max: 1 });
  const options = { sql, brokers: '127.0.0.1:1', topic: 'events', log, metrics, codec: jsonCodec };
  const { work } = openProjection(counterModel, options);
  expect(() => openProjection({ ...counterModel, name: 'other' }, options)).toThrow(
    'The process has a projection already: run the model other in another process, with its own database',
  );
  await work(AbortSignal.abort());
  await sql.end();
});
