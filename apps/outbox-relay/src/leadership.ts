import { setTimeout as delay } from 'node:timers/promises';
import { connect } from '@catalogue/postgres';
import type { Logger } from '@catalogue/service';

// Any number that no other lock in the event store's database uses.
const relayLock = 7_305_501_211;
// Milliseconds. PostgreSQL ends a session that is silent for longer, so a frozen leader loses its lock.
const idleSessionTimeout = 2_000;
const pingEvery = 500;
const tryEvery = 300;

/** A term as the one leader. It ends when the connection that holds the lock does. */
export interface Term {
  /** Aborted when leadership is lost, or the process stops. */
  signal: AbortSignal;
  /**
   * To be called before work begins: makes sure of the lock when the last sign of it is not recent.
   * @throws when leadership was lost.
   */
  confirm(): Promise<void>;
}

export interface CandidateOptions {
  dsn: string;
  log: Logger;
  signal: AbortSignal;
  /** Leads, until the term's signal is aborted. A failure ends the term; another begins. */
  lead: (term: Term) => Promise<void>;
  onStandby: () => void;
}

/**
 * Stands for leadership until the signal is aborted: of all processes on one database, one leads at a time. The lock is
 * no fence: what a leader has begun when it loses the lock may still take effect.
 */
export async function campaign(candidate: CandidateOptions): Promise<void> {
  const { log, signal } = candidate;
  let last = '';
  while (!signal.aborted) {
    try {
      await standOnce(candidate);
    } catch (err) {
      if (signal.aborted) return;
      const { message } = err as Error;
      if (message !== last) log.warn({ err }, 'Leadership ended; standing again');
      last = message;
      await delay(tryEvery, undefined, { signal }).catch(() => {});
    }
  }
}

async function standOnce({ dsn, log, signal, lead, onStandby }: CandidateOptions): Promise<void> {
  const sql = connect(dsn, { name: 'outbox-relay leader', max: 1, idleSessionTimeout });
  try {
    // One connection for the whole term: on another, the lock would be somebody else's.
    const session = await sql.reserve();
    const tryLock = async () =>
      (await session<{ won: boolean }[]>`select pg_try_advisory_lock(${relayLock}) as won`)[0]?.won;
    if (!(await tryLock())) {
      onStandby();
      log.info('Standing by: another relay leads');
      do {
        await delay(tryEvery, undefined, { signal });
      } while (!(await tryLock()));
    }
    log.info('Leading');
    await holdTerm(async () => void (await session`select 1`), signal, lead);
  } finally {
    await sql.end({ timeout: 0 });
  }
}

/** Leads while pings on the session that holds the lock are answered. */
async function holdTerm(ping: () => Promise<void>, signal: AbortSignal, lead: CandidateOptions['lead']): Promise<void> {
  const lost = new AbortController();
  const ended = new AbortController();
  let confirmedAt = performance.now();
  const confirm = async () => {
    // The clock goes on while the process is frozen, so a leader that wakes up asks first.
    if (performance.now() - confirmedAt > idleSessionTimeout / 2) await pingNow();
    lost.signal.throwIfAborted();
  };
  const pingNow = async () => {
    const asked = performance.now();
    await ping().catch((error: unknown) => {
      lost.abort(error);
      throw error;
    });
    confirmedAt = asked;
  };
  const pinging = (async () => {
    while (!ended.signal.aborted) {
      await delay(pingEvery, undefined, { signal: ended.signal });
      await pingNow();
    }
  })().catch(() => {});
  try {
    await lead({ signal: AbortSignal.any([signal, lost.signal]), confirm });
  } finally {
    ended.abort();
    await pinging;
  }
}
