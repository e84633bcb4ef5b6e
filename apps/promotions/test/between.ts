import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { parseStepId, type StepId } from '@catalogue/contracts';

/** A command on its way from promotions to command-api. */
export interface Command extends StepId {
  price: number;
  /** Lets command-api answer it. */
  forward: () => Promise<Response>;
}

/** Stands between promotions and command-api: each command gets the answer that `pass` returns. */
export class Between implements AsyncDisposable {
  readonly #server: Server;

  constructor(commandApiUrl: string, pass: (command: Command) => Promise<Response>) {
    this.#server = createServer((request, response) => {
      const { 'idempotency-key': key = '', 'if-match': ifMatch = '', 'x-request-id': id = '' } = request.headers;
      const step = parseStepId(String(key));
      if (step === undefined) throw new Error(`${request.method} ${request.url} is no step of a promotion`);
      const answer = async () => {
        const body = await text(request);
        const forward = async () =>
          await fetch(`${commandApiUrl}${request.url}`, {
            method: 'PATCH',
            headers: {
              'content-type': 'application/json',
              'idempotency-key': String(key),
              'if-match': ifMatch,
              'x-request-id': String(id),
            },
            body,
          });
        const answered = await pass({ ...step, price: (JSON.parse(body) as { price: number }).price, forward });
        response.writeHead(answered.status, { 'content-type': answered.headers.get('content-type') ?? '' });
        response.end(await answered.text());
      };
      void answer();
    }).listen(0, '127.0.0.1');
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
