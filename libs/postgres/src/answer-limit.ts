import { connect, type Socket } from 'node:net';
import type { Sql } from './connect.ts';

/** The connection options that a socket is opened by (`socket` is documented by postgres.js, and not declared: 3.4.9). */
interface Address {
  host: string[];
  port: number[];
  path?: string | false;
}

/**
 * Gives up a pool's connections when a statement gets no answer in time: a server that is frozen, or cut off, ends none. They
 * are destroyed all at once, so none is used again; every statement on them fails as after a lost connection, with
 * `ETIMEDOUT`. What the server had received already it may still carry out, whenever it goes on.
 */
export class AnswerLimit {
  readonly #milliseconds: number;
  readonly #sockets = new Set<Socket>();
  #opened = 0;

  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds;
  }

  /** Opens a socket for the pool; postgres.js does not give out its own. */
  readonly open = ({ host, port, path }: Address): Socket => {
    const next = this.#opened++ % host.length;
    const address = { host: host[next] ?? 'localhost', port: port[next] ?? 5432 };
    const socket = typeof path === 'string' ? connect(path) : connect(address);
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    return Object.assign(socket, address);
  };

  /**
   * The pool whose statements have this limit, from when they are awaited, on reserved sessions too (`transact`). Those of
   * `sql.begin` have none.
   */
  of(sql: Sql): Sql {
    const reserve = async () => this.#limited(await sql.reserve());
    return this.#limited(sql, (name) => (name === 'reserve' ? reserve : undefined));
  }

  #limited<S extends Sql>(sql: S, replaced: (name: string | symbol) => unknown = () => undefined): S {
    return new Proxy(sql, {
      apply: (target, self, args: unknown[]) => {
        const made: unknown = Reflect.apply(target as unknown as () => unknown, self, args);
        if (made instanceof Promise) this.#watch(made);
        return made;
      },
      get: (target, name): unknown => replaced(name) ?? Reflect.get(target, name),
    });
  }

  /** A statement is sent when it is first awaited; a part of another one never is. */
  #watch(statement: Promise<unknown>): void {
    const whenAwaited = (...handlers: Parameters<typeof statement.then>) => {
      Reflect.deleteProperty(statement, 'then');
      const timer = setInterval(() => this.#giveUp(), this.#milliseconds);
      const stop = () => clearInterval(timer);
      void statement.then(stop, stop);
      return statement.then(...handlers);
    };
    // oxlint-disable-next-line unicorn/no-thenable -- it is a promise already
    void Object.defineProperty(statement, 'then', { value: whenAwaited, configurable: true });
  }

  #giveUp(): void {
    const message = `PostgreSQL gave no answer within ${this.#milliseconds} ms`;
    for (const socket of this.#sockets) socket.destroy(Object.assign(new Error(message), { code: 'ETIMEDOUT' }));
  }
}
