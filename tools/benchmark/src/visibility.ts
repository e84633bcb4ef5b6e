import { setTimeout as delay } from 'node:timers/promises';
import type { System } from '@catalogue/acceptance';
import { Connection } from './load/connection.ts';
import { requestSource } from './load/requests.ts';

// Milliseconds.
const maxWaitMs = 30_000;
const host = '127.0.0.1';

/**
 * A lone client on raw connections like the load generator's: a client library would be measured too, and take CPU from the
 * services.
 */
export class Visitor implements Disposable {
  readonly #commands: Caller;
  readonly #queries: Caller;
  readonly #create = requestSource({ kind: 'create' }, host)()();

  private constructor(commands: Caller, queries: Caller) {
    this.#commands = commands;
    this.#queries = queries;
  }

  static async open({ services }: System): Promise<Visitor> {
    const commands = await Caller.open(services['command-api'].port);
    return new Visitor(commands, await Caller.open(services['query-api'].port));
  }

  /**
   * The milliseconds from sending a POST until its answer, and until a GET shows the product.
   * @param every milliseconds between two GETs: without a pause they would use half a core.
   */
  async createAndSee(every = 0): Promise<{ written: number; visible: number }> {
    const started = performance.now();
    const { id } = JSON.parse(await this.#commands.call(this.#create, 201)) as { id: string };
    const written = performance.now() - started;
    const look = Buffer.from(`GET /products/${id} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    while ((await this.#queries.call(look, 200, 404)) === undefined) {
      if (performance.now() - started > maxWaitMs) throw new Error(`Product ${id} was not shown within 30 s`);
      if (every > 0) await delay(every);
    }
    return { written, visible: performance.now() - started };
  }

  [Symbol.dispose](): void {
    for (const caller of [this.#commands, this.#queries]) caller.close();
  }
}

/** A connection with one request at a time. */
class Caller {
  readonly #connection: Connection;
  #answer = Promise.withResolvers<{ status: number; body: string }>();

  private constructor(port: number) {
    this.#connection = new Connection({
      port,
      onAnswer: (status, _, response) => this.#answer.resolve({ status, body: bodyOf(response) }),
      onFault: (error) => this.#answer.reject(error),
    });
  }

  static async open(port: number): Promise<Caller> {
    const caller = new Caller(port);
    await caller.#connection.opened;
    return caller;
  }

  /** The body of an answer with the expected status; undefined with the other status. Throws for any other. */
  async call(request: Buffer, expected: number): Promise<string>;
  async call(request: Buffer, expected: number, other: number): Promise<string | undefined>;
  async call(request: Buffer, expected: number, other?: number): Promise<string | undefined> {
    this.#answer = Promise.withResolvers();
    this.#connection.send(request);
    const { status, body } = await this.#answer.promise;
    if (status === expected) return body;
    if (status === other) return undefined;
    throw new Error(`Answered ${status} instead of ${expected}: ${body}`);
  }

  close(): void {
    this.#connection.close();
  }
}

function bodyOf(response: Buffer): string {
  return response.toString('utf8', response.indexOf('\r\n\r\n') + 4);
}
