import { createServer } from 'node:net';

// Below the ports of outgoing connections (32768 and up on Linux): such a port can be taken while a killed server is down, and
// a client that keeps connecting to it can even connect to itself.
const lowestPort = 15_000;
const highestPort = 32_000;
/** A port is bound seconds after it was chosen, so processes that run tests beside each other choose from their own parts. */
const parts = 16;
const width = Math.floor((highestPort - lowestPort) / parts);
const part = Number(process.env['VITEST_POOL_ID'] ?? 0) % parts;
const given = new Set<number>();

/** A port that nothing listens on and that this process has not used before. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = lowestPort + part * width + Math.floor(Math.random() * width);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
}

/** Throws when something listens on the port; `setting` is the variable to change it. */
export async function requireFreePort(port: number, setting?: string): Promise<void> {
  if (await isFree(port)) return;
  const otherwise = setting === undefined ? '' : `, or choose another port with ${setting}=${port + 1000}`;
  throw new Error(`Port ${port} is in use: stop what listens there${otherwise}`);
}

/** Tries both addresses: on some systems one is free while the other is taken. */
async function isFree(port: number): Promise<boolean> {
  return (await canListen(port, '127.0.0.1')) && (await canListen(port, '0.0.0.0'));
}

function canListen(port: number, host: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false);
      else reject(error);
    });
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
