// node dist/republish.js --from <position|time|product> [--topic <other>]: repeats events that the relay has sent, for a new or
// repaired consumer. The service itself is main.ts.
import { checkOrigin } from '@catalogue/event-store';
import { openProducer } from '@catalogue/kafka';
import { connect } from '@catalogue/postgres';
import { readSettings, registrySettings } from '@catalogue/service';
import { openWriting } from './event/writing.ts';
import { parseCommand } from './history/command.ts';
import { Report } from './history/report.ts';
import { republish } from './history/republish.ts';
import { Sender } from './sender.ts';
import { settings, topicOf } from './settings.ts';

const command = parseCommand(process.argv.slice(2));
const { name, writeDb, brokers, kind, ...rest } = readSettings(
  {
    name: settings.name,
    writeDb: settings.writeDb,
    brokers: settings.brokers,
    kind: settings.kind,
    codecName: settings.codecName,
    topic: settings.topic,
  },
  process.env,
);
const report = new Report(command.topic ?? topicOf({ kind, ...rest }));
const stop = new AbortController();
for (const end of ['SIGINT', 'SIGTERM'] as const) process.once(end, () => stop.abort(new Error(`Ended by ${end}`)));

const store = connect(writeDb, { name: `${name} republish`, max: 2 });
const open = () => openProducer({ brokers, clientId: `${name}-republish`, log: report.log });
const registry = readSettings(registrySettings, process.env);
const { codec, schemaIds } = openWriting(rest.codecName, registry, kind, report.topic);
const sender = new Sender({
  openProducer: open,
  topic: report.topic,
  kind,
  codec,
  schemaIds,
  log: report.log,
});
try {
  await checkOrigin(store);
  await schemaIds.ask().catch((err: unknown) => report.log.warn({ err }, 'The messages do not name their schemas'));
  await sender.requireFit();
  await republish({ ...command, reader: name, store, sender, onSent: report.sent, signal: stop.signal });
  report.done();
} catch (error) {
  report.failed(error);
  process.exitCode = 1;
} finally {
  await sender.close();
  await store.end({ timeout: 1 });
}
