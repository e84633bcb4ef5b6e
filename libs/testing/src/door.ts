import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to a port of this machine that can be shut: connections through it end, and no new ones are taken. */
export interface Door extends AsyncDisposable {
  address: string;
  shut(): Promise<void>;
  open(): Promise<void>;
}

export async function openDoor(behind: number): Promise<Door> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const inner = connect(behind, '127.0.0.1');
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
      from.pipe(to);
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
    [Symbol.asyncDispose]: shut,
  };
}
