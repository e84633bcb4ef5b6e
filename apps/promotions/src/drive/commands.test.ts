import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, type Logger } from '@catalogue/service';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openCommands, sendStep } from './commands.ts';

const step = { product: 'mouse', step: 'a', stepVersion: 1, cents: 800, state: 'applying', unsent: false } as const;

/** A server that answers every command with the status that is set last. */
async function startApi() {
  const api = { url: '', status: 401 };
  const server = createServer((_request, response) => {
    const body = api.status === 200 ? { id: 'mouse', version: 2 } : { type: 'refused', title: 'Refused' };
    response.writeHead(api.status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void (server.closeAllConnections(), server.close()));
  api.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return api;
}

/** A log, and the lines written to it as `level message`. */
function watchedLog(): { log: Logger; lines: string[] } {
  const log = createLogger('test', 'silent');
  const lines: string[] = [];
  vi.spyOn(log, 'warn').mockImplementation((_details: unknown, message?: string) => void lines.push(`warn ${message}`));
  vi.spyOn(log, 'info').mockImplementation((message: unknown) => void lines.push(`info ${String(message)}`));
  return { log, lines };
}

const over = 'info command-api accepts commands again';

test.each([401, 403])('a refusal with %s is logged once, and its end once', async (status) => {
  const api = await startApi();
  const { log, lines } = watchedLog();
  const commands = openCommands(api.url, { log });
  const send = async () => (await sendStep(commands, step, new AbortController().signal))?.outcome;
  const refused = expect.stringMatching(/^warn command-api needs .*: set COMMAND_API_TOKEN_FILE; promotions wait$/);
  for (const now of [status, status]) {
    api.status = now;
    expect(await send()).toBeUndefined();
  }
  expect(lines).toEqual([refused]);
  api.status = 200;
  expect([await send(), await send()]).toEqual(['answered', 'answered']);
  expect(lines).toEqual([refused, over]);
});

test('a token file that is missing, empty or garbled leaves the step as it is, and is logged once', async () => {
  const api = await startApi();
  api.status = 200;
  const folder = await mkdtemp(join(tmpdir(), 'promotions-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const tokenFile = join(folder, 'token');
  const { log, lines } = watchedLog();
  const commands = openCommands(api.url, { tokenFile, log });
  const send = async () => (await sendStep(commands, step, new AbortController().signal))?.outcome;
  expect(await send()).toBeUndefined();
  for (const text of ['', 'two words']) {
    await writeFile(tokenFile, text);
    expect(await send()).toBeUndefined();
  }
  const unreadable = 'warn COMMAND_API_TOKEN_FILE cannot be read; promotions wait';
  expect(lines).toEqual([unreadable]);
  await writeFile(tokenFile, 'token\n');
  expect(await send()).toBe('answered');
  expect(lines).toEqual([unreadable, over]);
});
