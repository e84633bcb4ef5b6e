import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { isAnswered } from './connections.ts';
import { endHandshakes, onConnection } from './tls-server.ts';

const checkIntervalMs = 100;
/** How long requests may go on after the server began to close. The whole process has 9 s to stop. */
const maxAnswerMs = 6_000;

/**
 * Lets a server close although clients keep connections open. Node waits for connections on which no request has
 * arrived yet (load balancers and browsers open some in advance) or on which the last one has just been answered, and
 * without a limit for requests in progress. This closes a connection as soon as it has no request, and all after 6 s.
 */
export function closeInTime(app: FastifyInstance): void {
  const open = new Set<Socket>();
  onConnection(app.server, (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  // `close` calls Node's own function, which counts a buffered answer as sent, and cuts it off.
  app.server.closeIdleConnections = () => {};
  let checking: NodeJS.Timeout | undefined;
  app.addHook('preClose', (done) => {
    const since = performance.now();
    // Repeated, because the server may accept a connection until it has stopped listening.
    checking = setInterval(() => {
      for (const socket of open) {
        if (!isAnswered(socket)) continue;
        open.delete(socket);
        socket.destroySoon();
      }
      endHandshakes(app.server);
      if (performance.now() - since > maxAnswerMs) app.server.closeAllConnections();
    }, checkIntervalMs);
    done();
  });
  app.addHook('onClose', (_, done) => {
    clearInterval(checking);
    done();
  });
}
