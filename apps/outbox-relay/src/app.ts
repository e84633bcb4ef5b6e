import { checkOrigin } from '@catalogue/event-store';
import type { Sql } from '@catalogue/postgres';
import type { SchemaIds } from '@catalogue/registry';
import {
  createServer,
  type DependencyState,
  type Logger,
  type Registry,
  type Server,
  type TlsSettings,
} from '@catalogue/service';
import { BarrierWatch } from './barrier-watch.ts';
import { campaign, type Role } from './leadership.ts';
import { backlogMetrics, barrierMetrics, relayMetrics } from './metrics.ts';
import { relay } from './relay.ts';
import type { Sender } from './sender.ts';
import { TopicWatch } from './topic-watch.ts';
import { WakeUp } from './wake-up.ts';

const leadershipStates: Record<Role, DependencyState> = {
  starting: { status: 'starting', detail: 'Not ready to lead' },
  standby: { status: 'standby' },
  leading: { status: 'up', detail: 'leading' },
};

// Longer than Kafka takes to elect a new leader of a partition: after that, the present relay can send again.
const maxStallMs = 10_000;

export interface AppOptions {
  /** Of the cursor in the event store, and of the relays that elect a leader. */
  name: string;
  store: Sql;
  /** The event store's address, for the connection that holds the lock. */
  writeDb: string;
  sender: Sender;
  /** Asked for in the background; until they are known, messages do not name their schemas. */
  schemaIds?: Pick<SchemaIds, 'askUntilKnown'>;
  /** Resolves with the settings that let the topic lose events, and the command that corrects them; undefined if none. */
  findDangers: () => Promise<string | undefined>;
  /** The interval of these checks; a minute when absent. */
  findDangersEveryMs?: number;
  log: Logger;
  metrics: Registry;
  /** The certificate with which the server speaks HTTPS; HTTP when absent. */
  tls?: TlsSettings | undefined;
}

/** Builds the relay, and a server for its health and metrics. */
export async function buildApp({ name, store, writeDb, sender, schemaIds, log, metrics, tls, ...options }: AppOptions) {
  let role: Role = 'starting';
  let whyStarting: string | undefined;
  const onRelayed = relayMetrics(metrics, () => role === 'leading');
  backlogMetrics(metrics, store, name, log);
  const watch = new BarrierWatch(store, log);
  const { findDangers, findDangersEveryMs: everyMs = 60_000 } = options;
  const topicWatch = new TopicWatch({ findDangers, everyMs, log });
  barrierMetrics(metrics, watch, log);

  const app: Server = await createServer({
    log,
    metrics,
    tls,
    dependencies: {
      'event store': async () => {
        await checkOrigin(store);
        return await watch.state();
      },
      leadership: () =>
        whyStarting === undefined
          ? leadershipStates[role]
          : { ...leadershipStates[role], detail: `Not ready to lead: ${whyStarting}` },
      kafka: () => (sender.isConnected() ? topicWatch.state() : { status: 'down', detail: 'No broker answers' }),
    },
  });

  const work = async (signal: AbortSignal) => {
    const wakeUp = new WakeUp();
    const asking = schemaIds?.askUntilKnown(log, signal) ?? Promise.resolve();
    const watching = [watch.run(signal), topicWatch.run(signal), asking];
    // Hints are only an optimization: the relay starts without waiting for the listener.
    const listening = wakeUp.listen(store, log).catch((err: unknown) => {
      if (!signal.aborted) log.warn({ err }, 'Listening for hints failed; polling only');
    });
    await campaign({
      name,
      dsn: writeDb,
      log,
      signal,
      requireFit: async () => {
        await checkOrigin(store);
        await sender.requireFit();
      },
      isStuck: () => sender.stalledForMs > maxStallMs,
      onRole: (now, why) => {
        role = now;
        whyStarting = why;
      },
      lead: (term) => relay({ reader: name, store, sender, wakeUp, onRelayed }, term),
    });
    await Promise.all(watching);
    await (await listening)?.();
  };
  return { app, work };
}
