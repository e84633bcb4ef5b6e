import { constants } from 'node:crypto';
import type { RequestListener, Server as HttpServer } from 'node:http';
import { createServer, type Server as HttpsServer, type ServerOptions } from 'node:https';
import type { Socket } from 'node:net';
import { Server as TlsServer, type SecureContextOptions, type TLSSocket } from 'node:tls';
import { invalidBytes, refusalOf } from './refusal.ts';
import type { Certificate } from './tls-settings.ts';

/** Milliseconds for a handshake. Node's default is 120 s. */
const maxHandshakeMs = 10_000;

/** Connections whose handshake is not complete, by the client's address and port. */
const handshakes = new WeakMap<HttpServer, Map<string, Socket>>();

/** A server of HTTPS. It does not log failed handshakes: clients that send garbage must not fill the log. */
export function createTlsServer(
  certificate: Certificate,
  options: ServerOptions,
  handler: RequestListener,
): HttpsServer {
  const server = createServer({ ...options, ...contextOf(certificate), handshakeTimeout: maxHandshakeMs }, handler);
  const underWay = new Map<string, Socket>();
  handshakes.set(server, underWay);
  server.on('connection', (socket: Socket) => {
    const peer = peerOf(socket);
    underWay.set(peer, socket);
    socket.once('close', () => {
      if (underWay.get(peer) === socket) underWay.delete(peer);
    });
  });
  server.on('secureConnection', (socket: TLSSocket) => underWay.delete(peerOf(socket)));
  // Node's own listener reports these errors as errors of HTTP, which are answered; here no answer can be encrypted.
  server.removeAllListeners('tlsClientError');
  server.on('tlsClientError', (error: Error & { code?: string }, socket: TLSSocket) => {
    // OpenSSL recognizes the usual methods.
    if (error.code === 'ERR_SSL_HTTP_REQUEST') underWay.get(peerOf(socket))?.write(plainAnswer());
    socket.destroy();
  });
  return server;
}

function plainAnswer(): string {
  return refusalOf(invalidBytes('This port speaks HTTPS, and the request came without TLS'));
}

/** The TLS options of a server. Clients must not renegotiate: that would let them cause work without a request. */
export function contextOf({ cert, key }: Certificate): SecureContextOptions {
  return { cert, key, minVersion: 'TLSv1.2', secureOptions: constants.SSL_OP_NO_RENEGOTIATION };
}

/** Calls the listener for each connection on which requests can come: under TLS, after the handshake. */
export function onConnection(server: HttpServer, listener: (socket: Socket) => void): void {
  server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', listener);
}

/** Closes the connections of a server whose handshake is not complete. */
export function endHandshakes(server: HttpServer): void {
  for (const socket of handshakes.get(server)?.values() ?? []) socket.destroy();
}

function peerOf({ remoteAddress = '', remotePort = 0 }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
