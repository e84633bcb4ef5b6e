import { jsonCodec } from '@catalogue/contracts';
import { kafkaBrokers, kafkaTopic, postgresDsn } from '@catalogue/service';
import { expect, onTestFinished, test, vi } from 'vitest';
import { counterModel } from '../../test/counter.ts';
import { runCommand } from './run.ts';

const settings = {
  readDb: postgresDsn('COUNTERS_DSN'),
  brokers: kafkaBrokers,
  topic: kafkaTopic('product-events'),
  codec: jsonCodec,
};

function capture(stream: NodeJS.WriteStream): () => string {
  const written: string[] = [];
  const spy = vi.spyOn(stream, 'write').mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
  onTestFinished(() => spy.mockRestore());
  return () => written.join('');
}

test('the help of the tool lists every command and the settings of its service', async () => {
  const shown = capture(process.stdout);
  expect(await runCommand(counterModel, settings, ['--help'], {})).toBe(0);
  expect(shown()).toMatch(
    /parked list[^]*rebuild switch[^]*lag[^]*\nSettings: COUNTERS_DSN, KAFKA_BROKER; KAFKA_TOPIC, SCHEMA_REGISTRY_URL\.\n$/,
  );
});

test('a database that does not answer is named by the setting of its service', async () => {
  const shown = capture(process.stderr);
  const environment = { COUNTERS_DSN: 'postgres://nobody@127.0.0.1:1/none', KAFKA_BROKER: '127.0.0.1:1' };
  expect(await runCommand(counterModel, settings, ['parked', 'list'], environment)).toBe(1);
  expect(shown()).toMatch(/^The database of COUNTERS_DSN cannot be reached: .* is COUNTERS_DSN right\?\n$/);
});
