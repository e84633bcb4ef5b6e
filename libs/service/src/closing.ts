import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

// Milliseconds. A process has 9 s to end in.
const lookEvery = 100;
const longestAnswer = 6_000;

/**
 * Lets a server close though clients do not: Node waits for a connection on which no request has come yet (a balancer's or a
 * browser's, made in advance) as for one with a request under way, and for one that never ends as long as for any other.
 * Those without a request are closed at once, those with one after 6 s.
 */
export function closeInTime(app: FastifyInstance): void {
  const unused = new Set<Socket>();
  app.server.on('connection', (socket: Socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  app.server.on('request', ({ socket }) => unused.delete(socket));
  let looking: NodeJS.Timeout | undefined;
  app.addHook('preClose', (done) => {
    const since = performance.now();
    // Again and again: one may still be taken before the server listens no more.
    looking = setInterval(() => {
      for (const socket of unused) socket.destroy();
      if (performance.now() - since > longestAnswer) app.server.closeAllConnections();
    }, lookEvery);
    done();
  });
  app.addHook('onClose', (_, done) => {
    clearInterval(looking);
    done();
  });
}
