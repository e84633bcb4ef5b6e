import { setTimeout as delay } from 'node:timers/promises';
import { connect, type Sql } from '@catalogue/postgres';
import { type Logger, orAborted } from '@catalogue/service';

/** Any number that no other lock in the event store's database uses. */
export const relayLock = 7_305_501_211;
// By which candidates know one another in pg_stat_activity.
const sessionName = 'outbox-relay candidate';
// Milliseconds. PostgreSQL ends a session that is silent for longer, so a frozen leader loses its lock.
const idleSessionTimeoutMs = 2_000;
const pingEvery = 500;
const tryEvery = 300;
// Long enough for another to be first.
const restAfterResigning = 1_000;
// When what all need comes back, the leader is helped as well: only one that has stood by for so long is better off.
const leastStandby = 10_000;

/** A term as the one leader. It ends when the connection that holds the lock does. */
export interface Term {
  /** Aborted when leadership is lost, or the process stops. */
  signal: AbortSignal;
  /**
   * To be called right before work begins: makes sure of the lock when the last sign of it is not recent.
   * @throws when leadership was lost.
   */
  confirm(): Promise<void>;
}

export type Role = 'starting' | 'standby' | 'leading';

export interface CandidateOptions {
  /** The database whose relays elect a leader. */
  dsn: string;
  log: Logger;
  signal: AbortSignal;
  /** Rejects when this process could not do the work. Asked before every try to become the leader. */
  requireFit: () => Promise<void>;
  /** True while the work gets nowhere: the lead is left to another, if one stands by and has for 10 s. */
  isStuck: () => boolean;
  /** Leads, until the term's signal is aborted. A failure ends the term; another begins. */
  lead: (term: Term) => Promise<void>;
  onRole: (role: Role) => void;
}

/**
 * Stands for leadership until the signal is aborted: of all processes on one database, one leads at a time. The lock is
 * no fence: what a leader has begun when it loses the lock may still take effect.
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
      const rest = err instanceof Resigned ? restAfterResigning : tryEvery;
      await delay(rest, undefined, { signal }).catch(() => {});
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
    // One connection for the whole term: on another, the lock would be somebody else's.
    const session = await orAborted(sql.reserve(), signal);
    if (!(await tryLock(session, signal))) {
      onRole('standby');
      log.info('Standing by: another relay leads');
      do {
        await delay(tryEvery, undefined, { signal });
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

/** Leads while pings on the session that holds the lock are answered. */
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
    // The clock goes on while the process is frozen, so a leader that wakes up asks first.
    if (performance.now() - confirmedAt > idleSessionTimeoutMs / 2) await ping();
    lost.signal.throwIfAborted();
  };
  const pinging = (async () => {
    while (!ended.signal.aborted) {
      await delay(pingEvery, undefined, { signal: ended.signal });
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
      and backend_start < now() - ${leastStandby} * interval '1 millisecond'`;
  return (await answered(asked, signal)).count > 0;
}

/** A server that does not answer in this time has ended the session, or is about to. */
async function answered<T>(query: Promise<T>, signal: AbortSignal): Promise<T> {
  return await orAborted(query, AbortSignal.any([signal, AbortSignal.timeout(idleSessionTimeoutMs)]));
}
