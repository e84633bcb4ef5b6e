import { jsonCodec } from '@catalogue/contracts';
import { checkOrigin } from '@catalogue/event-store';
import { openProducer, type Producer } from '@catalogue/kafka';
import type { Sql } from '@catalogue/postgres';
import { createServer, type DependencyState, type Logger, type Registry, type Server } from '@catalogue/service';
import { campaign } from './leadership.ts';
import { backlogMetrics, relayMetrics } from './metrics.ts';
import { relay } from './relay.ts';
import { WakeUp } from './wake-up.ts';

export interface AppOptions {
  store: Sql;
  /** The event store's address, for the connection that holds the lock. */
  writeDb: string;
  brokers: string;
  topic: string;
  log: Logger;
  metrics: Registry;
}

/** The relay, and a server for its health and metrics. */
export async function buildApp({ store, writeDb, brokers, topic, log, metrics }: AppOptions) {
  let role: 'starting' | 'standby' | 'leading' = 'starting';
  let producer: Producer | undefined;
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
      leadership: () => (role === 'leading' ? { status: 'up', detail: 'leading' } : { status: role }),
      kafka: (): DependencyState => {
        if (role !== 'leading') return { status: 'standby' };
        return producer?.isConnected() ? { status: 'up' } : { status: 'down', detail: 'No broker answers' };
      },
    },
  });

  const work = async (signal: AbortSignal) => {
    const wakeUp = new WakeUp();
    const open = () => {
      producer = openProducer({ brokers, clientId: 'outbox-relay', log });
      return producer;
    };
    // Hints are a convenience: the relay begins without waiting for them.
    const listening = wakeUp.listen(store, log).catch((err: unknown) => log.warn({ err }, 'No hints: polling only'));
    await campaign({
      dsn: writeDb,
      log,
      signal,
      onStandby: () => {
        role = 'standby';
      },
      lead: async (term) => {
        await checkOrigin(store);
        role = 'leading';
        await relay({ store, openProducer: open, topic, codec: jsonCodec, wakeUp, log, onRelayed }, term).finally(
          () => {
            role = 'starting';
          },
        );
      },
    });
    await (await listening)?.();
  };
  return { app, work };
}
