import { freePort, type KafkaServer, newClusterId, startKafka, temporaryHome } from '@catalogue/local-stack';

export interface OwnKafkaCluster extends AsyncDisposable {
  /** Bootstrap servers, comma-separated. */
  brokers: string;
  /** Stops the last broker. */
  stopLast(): Promise<void>;
}

/** A Kafka cluster for one test, whose first broker is also the controller. Disposing of it stops it and removes its data. */
export async function startOwnKafkaCluster(size: number): Promise<OwnKafkaCluster> {
  const clusterId = newClusterId();
  const controllerPort = await freePort();
  const homes = Array.from({ length: size }, () => temporaryHome());
  const servers: KafkaServer[] = [];
  for (const [index, { path: home }] of homes.entries()) {
    const port = await freePort();
    const settings = index === 0 ? {} : brokerOnly(index + 1, port);
    const own = index === 0 ? controllerPort : await freePort();
    const voters = { 'controller.quorum.voters': `1@127.0.0.1:${controllerPort}` };
    servers.push(
      await startKafka({ home, port, controllerPort: own, clusterId, settings: { ...voters, ...settings } }),
    );
  }
  return {
    brokers: servers.map(({ brokers }) => brokers).join(','),
    stopLast: async () => {
      await servers.at(-1)?.stop();
    },
    [Symbol.asyncDispose]: async () => {
      // The controller stops last, because the others sign off from it.
      for (const server of servers.toReversed()) await server.stop();
      for (const home of homes) home.remove();
    },
  };
}

function brokerOnly(id: number, port: number): Record<string, string> {
  return { 'process.roles': 'broker', 'node.id': String(id), listeners: `PLAINTEXT://127.0.0.1:${port}` };
}
