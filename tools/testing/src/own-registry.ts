import { archiveRegistry, freePort, type RegistryServer, startRegistry, temporaryHome } from '@catalogue/local-stack';

/** A schema registry that can be killed and started again, on the same data and port. */
export interface OwnRegistry extends AsyncDisposable {
  /** SCHEMA_REGISTRY_URL. */
  url: string;
  /** Ends it without warning. */
  kill(): Promise<void>;
  restart(): Promise<void>;
}

/** A schema registry for one test file. Disposing of it stops it and removes its data. */
export async function startOwnRegistry(): Promise<OwnRegistry> {
  const home = temporaryHome();
  const port = await freePort();
  const start = () => startRegistry({ home: home.path, port });
  await archiveRegistry();
  let server: RegistryServer = await start();
  return {
    url: server.url,
    kill: async () => {
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
