import { freePort, type KafkaServer, startKafka, temporaryHome } from '@catalogue/local-stack';
import { type Door, openDoor } from './door.ts';

/** A broker that can be stopped and started again, on the same data and port. */
export interface OwnKafka extends AsyncDisposable {
  brokers: string;
  /** A proxy to the same broker, for tests in which only some clients lose it. */
  door: Door;
  stop(): Promise<void>;
  restart(): Promise<void>;
}

/** A Kafka broker for one test file. Disposing of it stops it and removes its data. `settings` as in server.properties. */
export async function startOwnKafka(settings: Record<string, string> = {}): Promise<OwnKafka> {
  const home = temporaryHome();
  const [port, controllerPort, doorPort] = [await freePort(), await freePort(), await freePort()];
  const door = await openDoor(doorPort);
  const start = () =>
    startKafka({
      home: home.path,
      port,
      controllerPort,
      settings: {
        listeners: `PLAINTEXT://127.0.0.1:${port},DOOR://127.0.0.1:${doorPort},CONTROLLER://127.0.0.1:${controllerPort}`,
        'advertised.listeners': `PLAINTEXT://127.0.0.1:${port},DOOR://${door.address}`,
        'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,DOOR:PLAINTEXT',
        'inter.broker.listener.name': 'PLAINTEXT',
        ...settings,
      },
    });
  let server: KafkaServer = await start();
  return {
    brokers: server.brokers,
    door,
    stop: () => server.stop(),
    restart: async () => {
      server = await start();
    },
    [Symbol.asyncDispose]: async () => {
      await door[Symbol.asyncDispose]();
      await server.stop();
      home.remove();
    },
  };
}
