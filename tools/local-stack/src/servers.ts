import { allEnded } from './all-ended.ts';
import { ensureDatabase } from './database.ts';
import { startKafka } from './kafka.ts';
import { startPostgres } from './postgres.ts';
import { startRegistry } from './registry.ts';
import type { ServerProcess } from './server-process.ts';
import type { Port, Settings } from './settings.ts';

/** The settings of services with the addresses of their servers. */
export interface Addresses {
  KAFKA_BROKER: string;
  WRITE_DB_DSN: string;
  READ_DB_DSN: string;
  PROMOTIONS_DB_DSN: string;
  /** Of the databases beside the read model. */
  [variable: string]: string;
}

export interface Surroundings {
  home: string;
  /** Started servers are added to it; the caller disposes of it. */
  running: AsyncDisposableStack;
  say: (line: string) => void;
  /** Called with a line when a started server has ended. */
  failed: (line: string) => void;
  /** Ends the start when aborted. */
  signal: AbortSignal;
}

/** Starts the servers that are not given, all at once, and creates the databases if there are none. */
export async function startServers(settings: Settings, surroundings: Surroundings): Promise<Addresses> {
  const { ports, kafkaBroker, writeDb, readDb, promotionsDb, beside, startsRegistry } = settings;
  const [KAFKA_BROKER, WRITE_DB_DSN, READ_DB_DSN, PROMOTIONS_DB_DSN, registry] = await allEnded([
    kafkaBroker ?? ownKafka(ports.kafka, ports.kafkaController, surroundings),
    writeDb ?? ownPostgres('write', ports.writeDb, surroundings),
    readDb ?? ownPostgres('read', ports.readDb, surroundings),
    promotionsDb ?? ownPostgres('promotions', ports.promotionsDb, surroundings),
    startsRegistry ? ownRegistry(ports.registry, surroundings) : '',
  ]);
  const others = beside.map(({ variable, name, dsn }) => [variable, dsn ?? besides(READ_DB_DSN, name)]);
  const own = { WRITE_DB_DSN, READ_DB_DSN, PROMOTIONS_DB_DSN };
  const dsns = { ...own, ...(Object.fromEntries(others) as Record<string, string>) };
  await allEnded(Object.entries(dsns).map(([variable, dsn]) => ensure(variable, dsn)));
  return { KAFKA_BROKER, ...dsns, ...(registry === '' ? {} : { SCHEMA_REGISTRY_URL: registry }) };
}

/** Another database of the same server. */
function besides(dsn: string, name: string): string {
  const url = new URL(dsn);
  url.pathname = `/${name}`;
  return url.href;
}

async function ownPostgres(
  side: 'write' | 'read' | 'promotions',
  port: Port,
  surroundings: Surroundings,
): Promise<string> {
  const { home, signal } = surroundings;
  const server = await startPostgres({ home, name: `${side}-db`, port: port.number, signal });
  const dsn = server.dsn(`catalogue_${side}`);
  keep(server, `PostgreSQL (${side}-db)`, dsn, surroundings);
  return dsn;
}

async function ownKafka(port: Port, controller: Port, surroundings: Surroundings): Promise<string> {
  const { home, signal, say } = surroundings;
  const server = await startKafka({
    home,
    port: port.number,
    controllerPort: controller.number,
    signal,
    progress: say,
  });
  keep(server, 'Kafka', server.brokers, surroundings);
  return server.brokers;
}

async function ownRegistry(port: Port, surroundings: Surroundings): Promise<string> {
  const { home, signal, say } = surroundings;
  const server = await startRegistry({ home, port: port.number, signal, progress: say });
  keep(server, 'The schema registry', server.url, surroundings);
  return server.url;
}

function keep(server: ServerProcess, title: string, address: string, { running, say, failed }: Surroundings): void {
  let stopping = false;
  running.defer(() => {
    stopping = true;
    return server.stop();
  });
  void server.exited.then((status) => {
    if (!stopping) failed(`${title} has ended (${status})`);
  });
  say(`${title} is up: ${address}`);
}

async function ensure(variable: string, dsn: string): Promise<void> {
  try {
    await ensureDatabase(dsn);
  } catch (cause) {
    throw new Error(`The database of ${variable} cannot be used: ${(cause as Error).message}`, { cause });
  }
}
