import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

const checkIntervalMs = 100;
/** How long requests may go on after the server began to close. The whole process has 9 s to stop. */
const maxAnswerMs = 6_000;

/**
 * Lets a server close although clients keep connections open. Node waits for connections on which no request has arrived yet
 * (load balancers and browsers open some in advance), and without a limit for requests in progress. This closes connections
 * without a request at once, and all others after 6 s.
 */
export function closeInTime(app: FastifyInstance): void {
  const unused = new Set<Socket>();
  app.server.on('connection', (socket: Socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  app.server.on('request', ({ socket }) => unused.delete(socket));
  let checking: NodeJS.Timeout | undefined;
  app.addHook('preClose', (done) => {
    const since = performance.now();
    // Repeated, because the server may accept a connection until it has stopped listening.
    checking = setInterval(() => {
      for (const socket of unused) socket.destroy();
      if (performance.now() - since > maxAnswerMs) app.server.closeAllConnections();
    }, checkIntervalMs);
    done();
  });
  app.addHook('onClose', (_, done) => {
    clearInterval(checking);
    done();
  });
}
