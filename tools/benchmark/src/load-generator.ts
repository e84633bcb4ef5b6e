import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Job, LoadResult, Phase, Said } from './load/job.ts';

/** A load generator in a separate process. One job at a time. */
export class LoadGenerator implements AsyncDisposable {
  readonly #child: ChildProcess = fork(new URL('load/process.ts', import.meta.url));

  /**
   * Runs a job, and reports when measuring begins and ends.
   * @throws when the job failed, or an answer had an unexpected status.
   */
  async run(job: Job, onPhase: (phase: Phase) => void = () => {}): Promise<LoadResult> {
    const { promise, resolve, reject } = Promise.withResolvers<LoadResult>();
    const hear = (said: Said) => {
      if ('phase' in said) onPhase(said.phase);
      else if ('failure' in said) reject(new Error(said.failure));
      else resolve(said.result);
    };
    const onExit = () => reject(new Error('The load generator ended'));
    this.#child.on('message', hear).once('exit', onExit).send(job);
    try {
      const result = await promise;
      requireExpected(result, job.expected);
      return result;
    } finally {
      this.#child.off('message', hear).off('exit', onExit);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.disconnect();
    await exited;
  }
}

function requireExpected({ statuses, unexpected }: LoadResult, expected: number): void {
  if (unexpected === undefined) return;
  const counts = Object.entries(statuses).map(([status, count]) => `${count} × ${status}`);
  throw new Error(`Expected only ${expected}, got ${counts.join(', ')}; the first other answer:\n${unexpected}`);
}
