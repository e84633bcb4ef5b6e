import { expect, onTestFinished, test } from 'vitest';
import { temporaryHome } from './home.ts';
import { freePort } from './ports.ts';
import { type RegistryServer, startRegistry } from './registry.ts';

const headers = { 'Content-Type': 'application/json' };

test('a killed registry keeps the schema that it registered last', async () => {
  const home = temporaryHome();
  const options = { home: home.path, port: await freePort() };
  let server: RegistryServer | undefined;
  onTestFinished(async () => {
    await server?.stop();
    home.remove();
  });
  server = await startRegistry(options);
  await expect(startRegistry(options)).rejects.toThrow(`Port ${options.port} is in use`);
  const schema = '{"type":"object","properties":{"id":{"type":"string"}}}';
  const body = JSON.stringify({ schemaType: 'JSON', schema });
  const registered = await fetch(`${server.url}/subjects/kept/versions`, { method: 'POST', headers, body });
  const { id } = (await registered.json()) as { id: number };
  server.kill('SIGKILL');
  expect(await server.exited).toBe('SIGKILL');
  server = await startRegistry(options);
  const kept = await fetch(`${server.url}/schemas/ids/${id}`);
  expect(await kept.json()).toMatchObject({ schema });
});
