import { checkOrigin } from '@catalogue/event-store';
import type { Sql } from '@catalogue/postgres';
import { createServer, type DependencyState, type Logger, type Registry, type Server } from '@catalogue/service';
import { BarrierWatch } from './barrier-watch.ts';
import { campaign, type Role } from './leadership.ts';
import { backlogMetrics, barrierMetrics, relayMetrics } from './metrics.ts';
import { relay } from './relay.ts';
import type { Sender } from './sender.ts';
import { TopicWatch } from './topic-watch.ts';
import { WakeUp } from './wake-up.ts';

const leadershipStates: Record<Role, DependencyState> = {
  starting: { status: 'starting', detail: 'Not ready to lead; if this lasts, the log says why' },
  standby: { status: 'standby' },
  leading: { status: 'up', detail: 'leading' },
};

// Milliseconds. Longer than Kafka takes to elect another leader of a partition: that helps whoever leads here.
const longestStall = 10_000;

export interface AppOptions {
  store: Sql;
  /** The event store's address, for the connection that holds the lock. */
  writeDb: string;
  sender: Sender;
  /** Resolves with how the topic can lose events, and what mends it; with undefined when it cannot. */
  findDangers: () => Promise<string | undefined>;
  /** How often that is asked; once a minute when absent. */
  findDangersEveryMs?: number;
  log: Logger;
  metrics: Registry;
}

/** The relay, and a server for its health and metrics. */
export async function buildApp({ store, writeDb, sender, log, metrics, ...options }: AppOptions) {
  let role: Role = 'starting';
  const onRelayed = relayMetrics(metrics, () => role === 'leading');
  backlogMetrics(metrics, store, log);
  const watch = new BarrierWatch(store, log);
  const { findDangers, findDangersEveryMs: everyMs = 60_000 } = options;
  const topicWatch = new TopicWatch({ findDangers, everyMs, log });
  barrierMetrics(metrics, watch, log);

  const app: Server = await createServer({
    log,
    metrics,
    dependencies: {
      'event store': async () => {
        await checkOrigin(store);
        return await watch.state();
      },
      leadership: () => leadershipStates[role],
      kafka: () => (sender.isConnected() ? topicWatch.state() : { status: 'down', detail: 'No broker answers' }),
    },
  });

  const work = async (signal: AbortSignal) => {
    const wakeUp = new WakeUp();
    const watching = [watch.run(signal), topicWatch.run(signal)];
    // Hints are a convenience: the relay begins without waiting for them.
    const listening = wakeUp
      .listen(store, log)
      .catch((err: unknown) => log.warn({ err }, 'Listening for hints failed; polling only'));
    await campaign({
      dsn: writeDb,
      log,
      signal,
      requireFit: async () => {
        await checkOrigin(store);
        await sender.requireTopic();
      },
      isStuck: () => sender.stalledFor > longestStall,
      onRole: (now) => {
        role = now;
      },
      lead: (term) => relay({ store, sender, wakeUp, onRelayed }, term),
    });
    await Promise.all(watching);
    await (await listening)?.();
  };
  return { app, work };
}
