import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** The server of route-server.ts in a separate process, like command-api. */
export class RouteServer implements AsyncDisposable {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async start(): Promise<RouteServer> {
    const child = fork(new URL('route-server.ts', import.meta.url));
    const said = await Promise.race([once(child, 'message'), once(child, 'exit').then(() => undefined)]);
    if (said === undefined) throw new Error('The server of the floor route exited while starting');
    return new RouteServer(child, said[0] as number);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.disconnect();
    await exited;
  }
}
