import { checkOrigin } from '@catalogue/event-store';
import type { Sql } from '@catalogue/postgres';
import { createServer, type DependencyState, type Logger, type Registry, type Server } from '@catalogue/service';
import { campaign, type Role } from './leadership.ts';
import { backlogMetrics, relayMetrics } from './metrics.ts';
import { relay } from './relay.ts';
import type { Sender } from './sender.ts';
import { WakeUp } from './wake-up.ts';

const leadershipStates: Record<Role, DependencyState> = {
  starting: { status: 'starting', detail: 'Not fit to lead; when that lasts, the log says why' },
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
  log: Logger;
  metrics: Registry;
}

/** The relay, and a server for its health and metrics. */
export async function buildApp({ store, writeDb, sender, log, metrics }: AppOptions) {
  let role: Role = 'starting';
  const onRelayed = relayMetrics(metrics, () => role === 'leading');
  backlogMetrics(metrics, store, log);

  const app: Server = await createServer({
    log,
    metrics,
    dependencies: {
      'event store': async () => {
        await checkOrigin(store);
        return { status: 'up' };
      },
      leadership: () => leadershipStates[role],
      kafka: () => (sender.isConnected() ? { status: 'up' } : { status: 'down', detail: 'No broker answers' }),
    },
  });

  const work = async (signal: AbortSignal) => {
    const wakeUp = new WakeUp();
    // Hints are a convenience: the relay begins without waiting for them.
    const listening = wakeUp.listen(store, log).catch((err: unknown) => log.warn({ err }, 'No hints: polling only'));
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
    await (await listening)?.();
  };
  return { app, work };
}
