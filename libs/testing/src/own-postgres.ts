import { freePort, type PostgresServer, startPostgres, temporaryHome } from '@catalogue/local-stack';

/**
 * A PostgreSQL server for one test file: for tests that hold write transactions open (which hide later events from readers
 * of the whole server) or that kill it. Disposing of it stops it and removes its data.
 */
export async function startOwnPostgres(): Promise<PostgresServer & AsyncDisposable> {
  const home = temporaryHome();
  const server = await startPostgres({ home: home.path, name: 'own', port: await freePort() });
  return Object.assign(server, {
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      home.remove();
    },
  });
}
