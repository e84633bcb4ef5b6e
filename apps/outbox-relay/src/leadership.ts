import { setTimeout as delay } from 'node:timers/promises';
import { connect, type Sql } from '@catalogue/postgres';
import { type Logger, orAborted } from '@catalogue/service';
import { lockOf } from './name.ts';

// Candidates of one name recognize one another by this in pg_stat_activity.
const sessionNameOf = (name: string) => `${name} candidate`;
// PostgreSQL ends a session that is idle for longer, so a frozen leader loses its lock.
const idleSessionTimeoutMs = 2_000;
const pingIntervalMs = 500;
const retryIntervalMs = 300;
// Long enough for another candidate to take the lock.
const pauseAfterResigningMs = 1_000;
// How long another candidate has to stand by before a stuck leader resigns. A candidate that lacks a dependency opens a
// new session at each attempt, so a session of this age belongs to one that can lead. With a shorter time, two relays
// that both lack Kafka would take turns.
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
  /** Only candidates of one name compete. */
  name: string;
  /** The database in which the relays elect a leader. */
  dsn: string;
  log: Logger;
  signal: AbortSignal;
  /** Rejects if this process cannot do the leader’s work now. Called before every attempt to become the leader. */
  requireFit: () => Promise<void>;
  /** Whether the leader’s work makes no progress. The leader then resigns if another candidate has stood by for 10 s. */
  isStuck: () => boolean;
  /** Does the leader's work until the term's signal is aborted. If it rejects, the term ends, and the process stands again. */
  lead: (term: Term) => Promise<void>;
  /** `why`: with `starting`, why it is not ready to lead. */
  onRole: (role: Role, why?: string) => void;
}

/**
 * Stands for leadership until the signal is aborted; after a failure, logs it and stands again. Of all processes of one
 * name on one database, the one that holds the lock leads. The lock is not a fence: work that a leader began before it
 * lost the lock may still take effect.
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
      const { message, code } = err as NodeJS.ErrnoException;
      // As in other answers about health: the message of a client library may name hosts.
      onRole('starting', typeof code === 'string' ? code : message);
      if (message !== last) log.warn({ err }, 'Not the leader; trying again');
      last = message;
      const pauseMs = err instanceof Resigned ? pauseAfterResigningMs : retryIntervalMs;
      await delay(pauseMs, undefined, { signal }).catch(() => {});
    }
  }
}

class Resigned extends Error {}

async function standOnce(candidate: CandidateOptions): Promise<void> {
  const { name, dsn, log, signal, requireFit, onRole } = candidate;
  await requireFit();
  const lost = new AbortController();
  const onClose = () => lost.abort(new Error('The connection that holds the lock of the leader ended'));
  const sql = connect(dsn, { name: sessionNameOf(name), max: 1, idleSessionTimeoutMs, onClose });
  try {
    // One connection for the whole term, because the lock belongs to the session.
    const session = await orAborted(sql.reserve(), signal);
    if (!(await tryLock(session, name, signal))) {
      onRole('standby');
      log.info('Standing by: another relay leads');
      do {
        await delay(retryIntervalMs, undefined, { signal });
        await requireFit();
      } while (!(await tryLock(session, name, signal)));
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
  const { name, signal, isStuck, lead } = candidate;
  const ended = new AbortController();
  let confirmedAt = performance.now();
  const ping = async () => {
    const asked = performance.now();
    try {
      await inTime(session`select 1`, signal);
      if (isStuck() && (await anotherStandsBy(session, name, signal))) {
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
    await lead({ signal: AbortSignal.any([signal, lost.signal]), confirm }).catch((error: unknown) => {
      // Work that the loss cuts short rejects with "aborted", and not with the reason.
      lost.signal.throwIfAborted();
      throw error;
    });
    lost.signal.throwIfAborted();
  } finally {
    ended.abort();
    await pinging;
  }
}

async function tryLock(session: Sql, name: string, signal: AbortSignal): Promise<boolean> {
  const [row] = await inTime(session<{ won: boolean }[]>`select pg_try_advisory_lock(${lockOf(name)}) as won`, signal);
  return row?.won ?? false;
}

async function anotherStandsBy(session: Sql, name: string, signal: AbortSignal): Promise<boolean> {
  const asked = session`
    select from pg_stat_activity
    where datname = current_database() and application_name = ${sessionNameOf(name)} and pid <> pg_backend_pid()
      and backend_start < now() - ${minStandbyMs} * interval '1 millisecond'`;
  return (await inTime(asked, signal)).count > 0;
}

/**
 * The answer of the session that holds the lock or asks for it. Waits for at most 2 s: after 2 s without a statement,
 * the server ends the session, which releases the lock.
 * @throws the signal’s reason, and a `TimeoutError` after 2 s.
 */
async function inTime<T>(query: Promise<T>, signal: AbortSignal): Promise<T> {
  return await orAborted(query, AbortSignal.any([signal, AbortSignal.timeout(idleSessionTimeoutMs)]));
}
