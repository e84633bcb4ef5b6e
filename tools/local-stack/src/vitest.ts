import type { TestProject } from 'vitest/node';
import { allEnded } from './all-ended.ts';
import { temporaryHome } from './home.ts';
import { archiveKafka, startKafka } from './kafka.ts';
import { freePort } from './ports.ts';
import { startPostgres } from './postgres.ts';
import type { ServerProcess } from './server-process.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The servers of this test run: the addresses of both `postgres` databases, and Kafka's brokers. */
    servers: { writeDb: string; readDb: string; kafka: string };
  }
}

/** Starts the servers that integration tests share, and returns the function that stops them. Without a server no test runs. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const running = new AsyncDisposableStack();
  try {
    project.provide('servers', await startServers(running));
    return () => running.disposeAsync();
  } catch (error) {
    await running.disposeAsync();
    throw error;
  }
}

async function startServers(running: AsyncDisposableStack) {
  const home = temporaryHome();
  running.defer(() => home.remove());
  const keep = <Server extends ServerProcess>(server: Server) => {
    running.defer(() => server.stop());
    return server;
  };
  const [writeDb, readDb, kafka] = await allEnded([
    startPostgres({ home: home.path, name: 'write-db', port: await freePort(), durable: false }).then(keep),
    startPostgres({ home: home.path, name: 'read-db', port: await freePort(), durable: false }).then(keep),
    archiveKafka(console.log)
      .then(async () => startKafka({ home: home.path, port: await freePort(), controllerPort: await freePort() }))
      .then(keep),
  ]);
  return { writeDb: writeDb.dsn('postgres'), readDb: readDb.dsn('postgres'), kafka: kafka.brokers };
}
