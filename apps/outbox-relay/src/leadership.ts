import { setTimeout as delay } from 'node:timers/promises';
import { connect, type Sql } from '@catalogue/postgres';
import { type Logger, orAborted } from '@catalogue/service';

/** An arbitrary number that no other lock in the event store's database uses. */
export const relayLock = 7_305_501_211;
// Candidates recognize one another by this name in pg_stat_activity.
const sessionName = 'outbox-relay candidate';
// PostgreSQL ends a session that is idle for longer, so a frozen leader loses its lock.
const idleSessionTimeoutMs = 2_000;
const pingIntervalMs = 500;
const retryIntervalMs = 300;
// Long enough for another candidate to take the lock.
const pauseAfterResigningMs = 1_000;
// A candidate takes over from a stuck leader only after it has stood by for so long: if both lack the same dependency, a change of
// leader does not help.
const minStandbyMs = 10_000;

/** One process's time as the leader. It ends when the connection that holds the lock ends. */
export interface Term {
  /** Aborted when leadership is lost, or the process stops. */
  signal: AbortSignal;
  /**
   * Call it right before each piece of work: checks the lock, unless it was checked recently.
   * @throws if leadership was lost.
   */
  confirm(): Promise<void>;
}

export type Role = 'starting' | 'standby' | 'leading';

export interface CandidateOptions {
  /** The database in which the relays elect a leader. */
  dsn: string;
  log: Logger;
  signal: AbortSignal;
  /** Rejects if this process could not do the work. Called before every attempt to become the leader. */
  requireFit: () => Promise<void>;
  /** Whether the work makes no progress. Then the leader resigns, if another candidate has stood by for 10 s. */
  isStuck: () => boolean;
  /** Does the leader's work until the term's signal is aborted. A failure ends the term, and the process stands again. */
  lead: (term: Term) => Promise<void>;
  onRole: (role: Role) => void;
}

/**
 * Stands for leadership until the signal is aborted. Of all processes on one database, one leads at a time. The lock is not a
 * fence: work that a leader has begun before it loses the lock may still take effect.
 */
export async function campaign(candidate: CandidateOptions): Promise<void> {
  const { log, signal, onRole } = candidate;
  let last = '';
  const lead = (term: Term) => {
    last = '';
    return candidate.lead(term);
  };
  while (!signal.aborted) {
    try {
      await standOnce({ ...candidate, lead });
    } catch (err) {
      if (signal.aborted) return;
      onRole('starting');
      const { message } = err as Error;
      if (message !== last) log.warn({ err }, 'Not the leader; trying again');
      last = message;
      const pauseMs = err instanceof Resigned ? pauseAfterResigningMs : retryIntervalMs;
      await delay(pauseMs, undefined, { signal }).catch(() => {});
    }
  }
}

class Resigned extends Error {}

async function standOnce(candidate: CandidateOptions): Promise<void> {
  const { dsn, log, signal, requireFit, onRole } = candidate;
  await requireFit();
  const lost = new AbortController();
  const onClose = () => lost.abort(new Error('The connection that holds the lock of the leader ended'));
  const sql = connect(dsn, { name: sessionName, max: 1, idleSessionTimeoutMs, onClose });
  try {
    // One connection for the whole term, because the lock belongs to the session.
    const session = await orAborted(sql.reserve(), signal);
    if (!(await tryLock(session, signal))) {
      onRole('standby');
      log.info('Standing by: another relay leads');
      do {
        await delay(retryIntervalMs, undefined, { signal });
        await requireFit();
      } while (!(await tryLock(session, signal)));
    }
    onRole('leading');
    log.info('Leading');
    await holdTerm(session, lost, candidate);
  } finally {
    await sql.end({ timeout: 0 });
  }
}

/** Leads while the session that holds the lock answers pings. */
async function holdTerm(session: Sql, lost: AbortController, candidate: CandidateOptions): Promise<void> {
  const { signal, isStuck, lead } = candidate;
  const ended = new AbortController();
  let confirmedAt = performance.now();
  const ping = async () => {
    const asked = performance.now();
    try {
      await answered(session`select 1`, signal);
      if (isStuck() && (await anotherStandsBy(session, signal))) {
        throw new Resigned('Kafka accepted nothing for 10 s, so the relay that stands by may lead');
      }
    } catch (error) {
      lost.abort(error);
      throw error;
    }
    confirmedAt = asked;
  };
  const confirm = async () => {
    // The clock runs on while the process is frozen, so a leader that resumes checks its lock first.
    if (performance.now() - confirmedAt > idleSessionTimeoutMs / 2) await ping();
    lost.signal.throwIfAborted();
  };
  const pinging = (async () => {
    while (!ended.signal.aborted) {
      await delay(pingIntervalMs, undefined, { signal: ended.signal });
      await ping();
    }
  })().catch(() => {});
  try {
    await lead({ signal: AbortSignal.any([signal, lost.signal]), confirm });
    lost.signal.throwIfAborted();
  } finally {
    ended.abort();
    await pinging;
  }
}

async function tryLock(session: Sql, signal: AbortSignal): Promise<boolean> {
  const [row] = await answered(session<{ won: boolean }[]>`select pg_try_advisory_lock(${relayLock}) as won`, signal);
  return row?.won ?? false;
}

async function anotherStandsBy(session: Sql, signal: AbortSignal): Promise<boolean> {
  const asked = session`
    select from pg_stat_activity
    where datname = current_database() and application_name = ${sessionName} and pid <> pg_backend_pid()
      and backend_start < now() - ${minStandbyMs} * interval '1 millisecond'`;
  return (await answered(asked, signal)).count > 0;
}

/** Waits for an answer as long as the server keeps an idle session: after that, the session has ended or is about to end. */
async function answered<T>(query: Promise<T>, signal: AbortSignal): Promise<T> {
  return await orAborted(query, AbortSignal.any([signal, AbortSignal.timeout(idleSessionTimeoutMs)]));
}
