import { expect, onTestFinished, test } from 'vitest';
import { temporaryHome } from './home.ts';
import { type KafkaServer, startKafka } from './kafka.ts';
import { freePort } from './ports.ts';

test('a killed Kafka starts again on its data and ports, and names a port that is in use', async () => {
  const home = temporaryHome();
  const options = { home: home.path, port: await freePort(), controllerPort: await freePort() };
  let server: KafkaServer | undefined;
  onTestFinished(async () => {
    await server?.stop();
    home.remove();
  });
  server = await startKafka(options);
  await expect(startKafka(options)).rejects.toThrow(`Port ${options.port} is in use`);
  server.kill('SIGKILL');
  expect(await server.exited).toBe('SIGKILL');
  const killed = server.pid;
  server = await startKafka(options);
  expect(server.pid).not.toBe(killed);
  await server.stop();
  expect(await server.exited).toBe(143);
});
