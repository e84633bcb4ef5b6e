import { connect, type Socket } from 'node:net';
import { ResponseParser } from './response-parser.ts';

export interface ConnectionOptions {
  port: number;
  onAnswer: (status: number, milliseconds: number, response: Buffer) => void;
  /** The connection was closed, it broke, or an answer could not be parsed. */
  onFault: (error: Error) => void;
}

// An answer of this API has about 400 bytes.
const readSize = 4 * 1024;

/** A keep-alive connection that carries one request at a time. */
export class Connection {
  readonly opened: Promise<void>;
  readonly #socket: Socket;
  #sentAt = 0;
  #closing = false;

  constructor({ port, onAnswer, onFault }: ConnectionOptions) {
    const parser = new ResponseParser((status, response) =>
      onAnswer(status, performance.now() - this.#sentAt, response),
    );
    const read = (bytes: number, buffer: Uint8Array) => {
      try {
        parser.push(buffer.subarray(0, bytes) as Buffer);
      } catch (error) {
        onFault(error as Error);
      }
      return true;
    };
    // Reads into one buffer instead of new ones.
    const onread = { buffer: Buffer.allocUnsafe(readSize), callback: read };
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true, onread });
    this.opened = new Promise((resolve) => this.#socket.once('connect', resolve));
    this.#socket.once('error', onFault);
    this.#socket.once('close', () => {
      if (!this.#closing) onFault(new Error('The server closed a connection'));
    });
  }

  send(request: Buffer): void {
    this.#sentAt = performance.now();
    this.#socket.write(request);
  }

  close(): void {
    this.#closing = true;
    this.#socket.destroy();
  }
}
