import { freePort, type PostgresServer, startPostgres, temporaryHome } from '@catalogue/local-stack';

/** A server that may be taken away and given back, on the same data and port. */
export interface OwnPostgres extends AsyncDisposable {
  /** The address of one of its databases, as its superuser. */
  dsn(database: string): string;
  kill(signal: NodeJS.Signals): void;
  /** Ends it at once, and resolves when it is gone. */
  crash(): Promise<void>;
  restart(): Promise<void>;
}

/**
 * A PostgreSQL server for one test file: for tests that hold write transactions open (which hide later events from readers
 * of the whole server) or that kill it. Disposing of it stops it and removes its data.
 */
export async function startOwnPostgres(): Promise<OwnPostgres> {
  const home = temporaryHome();
  const port = await freePort();
  const start = () => startPostgres({ home: home.path, name: 'own', port });
  let server: PostgresServer = await start();
  return {
    dsn: (database) => server.dsn(database),
    kill: (signal) => server.kill(signal),
    crash: async () => {
      server.kill('SIGKILL');
      await server.exited;
    },
    restart: async () => {
      server = await start();
    },
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      home.remove();
    },
  };
}
