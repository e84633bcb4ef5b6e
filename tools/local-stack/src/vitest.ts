import type { TestProject } from 'vitest/node';
import { temporaryHome } from './home.ts';
import { startKafka } from './kafka.ts';
import { freePort } from './ports.ts';
import { startPostgres } from './postgres.ts';
import type { ServerProcess } from './server-process.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The servers of this test run: the address of the database `postgres` on each of the two, and Kafka's brokers. */
    servers: { writeDb: string; readDb: string; kafka: string };
  }
}

/** Starts the servers that the integration tests share, and returns what stops them. Without a server no test runs. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const home = temporaryHome();
  const running: ServerProcess[] = [];
  const teardown = async () => {
    await Promise.all(running.map((server) => server.stop()));
    home.remove();
  };
  try {
    project.provide('servers', await startAll(home.path, running));
  } catch (error) {
    await teardown();
    throw error;
  }
  return teardown;
}

async function startAll(home: string, running: ServerProcess[]) {
  const keep = <Server extends ServerProcess>(server: Server) => {
    running.push(server);
    return server;
  };
  // All are awaited, also when one has failed: a server that comes up meanwhile is to be stopped too.
  const [writeDb, readDb, kafka] = await Promise.allSettled([
    startPostgres({ home, name: 'write-db', port: await freePort() }).then(keep),
    startPostgres({ home, name: 'read-db', port: await freePort() }).then(keep),
    startKafka({ home, port: await freePort(), controllerPort: await freePort() }).then(keep),
  ]);
  return {
    writeDb: started(writeDb).dsn('postgres'),
    readDb: started(readDb).dsn('postgres'),
    kafka: started(kafka).brokers,
  };
}

function started<Server>(outcome: PromiseSettledResult<Server>): Server {
  if (outcome.status === 'rejected') throw outcome.reason;
  return outcome.value;
}
