import type { Sql } from '@catalogue/postgres';

export interface SignalPoint {
  point: 'before commit' | 'after commit';
  signal: 'SIGKILL' | 'SIGSTOP';
}

/**
 * A pool that signals this process at the first commit of a transaction: before it is sent, when the server has what was
 * written, or after it is acknowledged. A process that was stopped continues there.
 */
export function signalledAtCommit(sql: Sql, { point, signal }: SignalPoint): Sql {
  let isOver = false;
  const reached = (here: SignalPoint['point']) => {
    if (here !== point || isOver) return;
    isOver = true;
    process.kill(process.pid, signal);
  };
  const reserve = async () => {
    const session = await sql.reserve();
    return new Proxy(session, {
      apply: (target, self, args: unknown[]) => {
        const run = target as unknown as (...typed: unknown[]) => Promise<unknown>;
        const statement = Reflect.apply(run, self, args);
        if (!Array.isArray(args[0]) || args[0][0] !== 'commit') return statement;
        return committedLate(statement, reached);
      },
    });
  };
  return new Proxy(sql, {
    get: (target, name): unknown => (name === 'reserve' ? reserve : Reflect.get(target, name)),
  });
}

/** Sent when it is awaited, as the commit itself would be: begun here, it would overtake the statements before it. */
function committedLate(commit: Promise<unknown>, reached: (point: SignalPoint['point']) => void): PromiseLike<unknown> {
  const turn = () => new Promise((resolve) => void setImmediate(resolve));
  const sent = async () => {
    // Two turns later what was written has gone to the server.
    await turn();
    await turn();
    reached('before commit');
    const done = await commit;
    reached('after commit');
    return done;
  };
  return { then: (resolve, reject) => sent().then(resolve, reject) };
}
