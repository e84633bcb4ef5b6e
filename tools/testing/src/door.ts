import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A proxy to a port of this machine that can be shut: then its connections end, and new ones are refused. */
export interface Door extends AsyncDisposable {
  address: string;
  shut(): Promise<void>;
  open(): Promise<void>;
  /** Stops forwarding in both directions on all connections, without ending any. */
  freeze(): void;
  /** Forwards for new connections again; frozen ones stay frozen, as after a firewall has forgotten them. */
  thaw(): void;
  /** The number of bytes that the server has sent through it. */
  received(): number;
}

export async function openDoor(behind: number): Promise<Door> {
  const sockets = new Set<Socket>();
  let frozen = false;
  let received = 0;
  const server = createServer((client) => {
    const inner = connect(behind, '127.0.0.1');
    inner.on('data', (bytes: Buffer) => (received += bytes.length));
    for (const [from, to] of [
      [client, inner],
      [inner, client],
    ] as const) {
      sockets.add(from);
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.on('error', () => {});
      if (!frozen) from.pipe(to);
    }
  });
  const listen = async (port: number) => void (await once(server.listen(port, '127.0.0.1'), 'listening'));
  const shut = async () => {
    const closed = server.listening ? once(server.close(), 'close') : undefined;
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    shut,
    open: () => listen(port),
    freeze: () => {
      frozen = true;
      for (const socket of sockets) socket.unpipe().pause();
    },
    thaw: () => {
      frozen = false;
    },
    received: () => received,
    [Symbol.asyncDispose]: shut,
  };
}
