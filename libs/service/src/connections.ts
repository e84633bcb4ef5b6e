import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { Problem } from './problem.ts';
import { invalidBytes, refusalOf } from './refusal.ts';
import { onConnection } from './tls-server.ts';

/** Milliseconds within which a request has to arrive, including its body. */
export const maxRequestMs = 30_000;

/** Milliseconds that a client has to read the last answer of a connection. Bytes that it still sends are discarded. */
const maxLingerMs = 5_000;

/** A request and its answer, and the exchange before it on the connection if that is still unanswered. */
interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  before: Exchange | undefined;
}

const latest = new WeakMap<Socket, Exchange>();
/** Connections whose bytes are no longer read as requests. */
const refused = new WeakSet<Socket>();

/**
 * Lets a client read the last answer of a connection. After answering an incomplete request, Node closes the connection with
 * bytes unread. TCP then resets the connection, and the client loses the answer.
 */
export function answerBeforeClosing(server: HttpServer): void {
  onConnection(server, (socket) => {
    socket.destroySoon = () => {
      if (latest.get(socket)?.request.complete === false) linger(socket);
      else Socket.prototype.destroySoon.call(socket);
    };
  });
  // Registered before Fastify's listener, which may answer at once.
  server.prependListener('request', (request, response) => {
    const before = latest.get(request.socket);
    latest.set(request.socket, {
      request,
      response,
      before: before?.response.writableFinished === false ? before : undefined,
    });
  });
}

/** Whether every request on a connection has its whole answer. Answers are sent in the order of requests. */
export function isAnswered(socket: Socket): boolean {
  return latest.get(socket)?.response.closed !== false;
}

/** Answers a request that is not HTTP, too large or too slow, after the earlier requests on its connection. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  if (refused.has(socket)) return;
  stopReading(socket);
  const exchange = latest.get(socket);
  const isBroken = exchange?.request.complete === false;
  const refuse = () =>
    linger(socket, isBroken && exchange.response.headersSent ? '' : refusalOf(problemOfBytes(error.code)));
  const unanswered = isBroken ? exchange.before : exchange;
  if (unanswered === undefined || unanswered.response.writableFinished) refuse();
  else unanswered.response.once('close', refuse);
}

/** Sends the last bytes and ends the connection. Closes it when the client does, or after 5 s. */
function linger(socket: Socket, lastBytes = ''): void {
  if (socket.destroyed) return;
  stopReading(socket);
  socket.end(lastBytes);
  const timer = setTimeout(() => socket.destroy(), maxLingerMs);
  socket.once('close', () => clearTimeout(timer));
}

/** Discards all further bytes: if they were read as requests, these would be carried out and never answered. */
function stopReading(socket: Socket): void {
  refused.add(socket);
  socket.removeAllListeners('data');
  // A listener for the bytes detaches the connection from its HTTP parser.
  socket.on('data', () => {});
  socket.resume();
  // The parser may have stopped the connection, as it does over TLS, while the stream believes that it is being read. An empty
  // chunk ends that belief, and reading begins again.
  socket.push('');
}

function problemOfBytes(code: string | undefined): Problem {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new Problem('request-timeout', `The request must be complete within ${maxRequestMs / 1000} s`);
  const detail =
    code === 'HPE_HEADER_OVERFLOW' ? 'The headers are larger than 16 KiB' : 'The request is not valid HTTP';
  return invalidBytes(detail);
}
