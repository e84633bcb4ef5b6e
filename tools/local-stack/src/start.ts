import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { home } from './home.ts';
import { engineInsteadOfJava, KafkaContainer } from './kafka-container.ts';
import { migrate, type Serving, serve } from './nx.ts';
import { requireFreePort } from './ports.ts';
import { startServers } from './servers.ts';
import { untilReady, watch } from './services.ts';
import { publishSchemas } from './schemas.ts';
import { type Ports, readSettings, schemeOf, serviceEnvironment, servicesOn, type Settings } from './settings.ts';
import { lockStack } from './stack-lock.ts';
import { welcome } from './welcome.ts';

// npm start: starts servers, migrations and services, and stops them in the opposite order on Ctrl-C.

const stopping = new AbortController();
const say = (line: string) => console.log(line);

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop('asked to'));
// The reader of the output has gone: a closed terminal, or `| head`.
process.stdout.on('error', () => stop('asked to'));

try {
  await run(readSettings(process.env, process.argv.slice(2)), stopping.signal);
} catch (error) {
  // An interrupted start fails at some point, which is not an error.
  if (!stopping.signal.aborted) stopping.abort(error);
}
const reason: unknown = stopping.signal.reason;
if (reason instanceof Error) console.error(`npm start: ${reason.message}`);
else say('Stopped');
process.exit(reason instanceof Error ? 1 : 0);

function stop(why: Error | 'asked to'): void {
  if (stopping.signal.aborted) return;
  say(why instanceof Error ? `${why.message}: stopping` : 'Stopping');
  stopping.abort(why);
  // An orchestrator waits 10 s. Whatever is left then ends with this process, by setpriv.
  setTimeout(() => process.exit(1), 9_500).unref();
}

/** Returns when it was stopped and everything has ended. */
async function run(settings: Settings, signal: AbortSignal): Promise<void> {
  const folder = home();
  await using running = new AsyncDisposableStack();
  running.defer(lockStack(folder));
  const kafkaBroker = settings.kafkaBroker ?? (await kafkaInContainer(settings, folder, running, signal));
  await requirePorts({ ...settings, kafkaBroker });
  const failed = (line: string) => stop(new Error(line));

  say('Starting the servers');
  const addresses = await startServers({ ...settings, kafkaBroker }, { home: folder, running, say, failed, signal });
  signal.throwIfAborted();
  const forPeople = process.stdout.isTTY ? { LOG_PRETTY: 'true' } : {};
  const env = { ...forPeople, ...serviceEnvironment(process.env, settings.ports), ...addresses };
  say('Bringing the databases and the topic up to date');
  await migrate(env, signal);
  if (settings.startsRegistry) await publishSchemas(env, signal);
  await runServices(settings.ports, env, running, signal);
}

/** Kafka of docker-compose.dev.yml, if there is no Java and a container engine answers. */
async function kafkaInContainer(
  { ports }: Settings,
  folder: string,
  running: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<string | undefined> {
  const engine = await engineInsteadOfJava();
  if (engine === undefined) return undefined;
  say('There is no Java: starting Kafka in a container (docker-compose.dev.yml)');
  const kafka = new KafkaContainer(engine, folder, ports.kafka.number);
  running.defer(() => kafka.stop());
  await kafka.start(signal);
  return kafka.brokers;
}

async function runServices(ports: Ports, env: NodeJS.ProcessEnv, running: AsyncDisposableStack, signal: AbortSignal) {
  const services = servicesOn(ports, schemeOf(process.env));
  const serving: Serving[] = [];
  running.defer(async () => void (await Promise.all(serving.map((each) => each.stop()))));
  let allReady = false;
  const start = (names: readonly string[]) => serving.push(serve(names, env, { print: say, ended }));
  function ended(name: string) {
    if (!allReady) stop(new Error(`${name} has ended before all were ready`));
    else void startAgain(name);
  }
  async function startAgain(name: string) {
    say(`${name} has ended, or was killed: starting it again`);
    // The delay prevents a tight loop with a service that ends at once.
    await delay(1_000, undefined, { signal }).catch(() => {});
    if (!signal.aborted) start([name]);
  }
  say('Starting the services');
  start(services.map(({ name }) => name));
  await Promise.all(services.map((service) => untilReady(service, say, signal)));
  allReady = true;
  say(welcome(ports, schemeOf(process.env), env['NODE_EXTRA_CA_CERTS']));
  for (const service of services) void watch(service, say, signal);
  if (!signal.aborted) await once(signal, 'abort');
}

/** Checked before any start: the errors of the servers about a taken port are long, and come late. */
async function requirePorts(settings: Settings): Promise<void> {
  const { kafkaBroker, writeDb, readDb, promotionsDb, startsRegistry } = settings;
  const { kafka, kafkaController, registry, ...rest } = settings.ports;
  const { writeDb: writePort, readDb: readPort, promotionsDb: promotionsPort, ...services } = rest;
  const needed = [
    ...Object.values(services),
    ...(kafkaBroker === undefined ? [kafka, kafkaController] : []),
    ...(writeDb === undefined ? [writePort] : []),
    ...(readDb === undefined ? [readPort] : []),
    ...(promotionsDb === undefined ? [promotionsPort] : []),
    ...(startsRegistry ? [registry] : []),
  ];
  for (const { number, variable } of needed) await requireFreePort(number, variable);
}
