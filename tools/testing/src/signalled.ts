import type { Sql } from '@catalogue/postgres';

export interface SignalPoint {
  point: 'within a statement' | 'before commit' | 'after commit';
  signal: 'SIGKILL' | 'SIGSTOP';
}

/**
 * A pool that signals this process at the first commit of a transaction: when statements before it were sent, but not yet the
 * values of those that are new on their connection; before it is sent, when the server has answered all
 * statements before it, or after it is acknowledged. A process that was stopped continues there.
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
    const made: Statement[] = [];
    return new Proxy(session, {
      apply: (target, self, args: unknown[]) => {
        const run = target as unknown as (...typed: unknown[]) => Statement;
        const statement = Reflect.apply(run, self, args);
        if (Array.isArray(args[0]) && args[0][0] === 'commit') return committedLate(statement, made, reached);
        made.push(statement);
        return statement;
      },
    });
  };
  return new Proxy(sql, {
    get: (target, name): unknown => (name === 'reserve' ? reserve : Reflect.get(target, name)),
  });
}

/** A statement of postgres.js, or a part of one, which is never executed. */
type Statement = Promise<unknown> & { executed?: boolean };

/** Sent when it is awaited, as the commit itself would be: begun here, it would overtake the statements before it. */
function committedLate(
  commit: Promise<unknown>,
  made: readonly Statement[],
  reached: (point: SignalPoint['point']) => void,
): PromiseLike<unknown> {
  const sent = async () => {
    const turn = () => new Promise((resolve) => void setImmediate(resolve));
    // Two turns later they have gone to the server. It answers what a new statement expects, and then waits for its values.
    await turn();
    await turn();
    reached('within a statement');
    await Promise.allSettled(made.filter(({ executed }) => executed));
    reached('before commit');
    const done = await commit;
    reached('after commit');
    return done;
  };
  return { then: (resolve, reject) => sent().then(resolve, reject) };
}
