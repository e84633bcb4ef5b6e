// The shared worker that reads the stream for all tabs of a browser; where users sign in, for all tabs of one of them.
import { Catalogue } from '@catalogue/client';
import { beatMs } from './silence.ts';
import { Station, type ToWorker, withoutToken } from './stream-news.ts';
import { readStream } from './stream-reader.ts';

const ports = new Set<MessagePort>();
const station = new Station(tellAll);
let reading = new AbortController();
/** The tab whose token the stream has. */
let lender: MessagePort | undefined;
let wanted: PromiseWithResolvers<string> | undefined;
let refused = '';

const catalogue = new Catalogue({
  commands: '',
  queries: '',
  ...((globalThis as { name?: unknown }).name === withoutToken ? {} : { token: askTabs, fetch: noticeRefusals }),
});

addEventListener('connect', (event) => {
  const [port] = (event as MessageEvent).ports;
  if (port === undefined) return;
  port.addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
    if (data.type === 'bye') leave(port);
    else lend(port, data.token);
  });
  port.start();
  for (const news of station.greeting()) port.postMessage(news);
  ports.add(port);
  if (wanted !== undefined) port.postMessage({ type: 'token-wanted', refused });
});
setInterval(() => station.tell({ type: 'beat' }), beatMs);
read();

function tellAll(message: unknown): void {
  for (const port of ports) port.postMessage(message);
}

function read(): void {
  const { signal } = reading;
  void readStream({
    catalogue,
    lastEventId: station.lastEventId,
    tell: (news) => signal.aborted || station.tell(news),
    signal,
  });
}

/**
 * A tab says goodbye when it closes, sleeps or signs out, and joins again when it wakes. The stream does not outlive
 * its token's tab.
 */
function leave(port: MessagePort): void {
  ports.delete(port);
  if (port !== lender) return;
  lender = undefined;
  reading.abort();
  reading = new AbortController();
  read();
}

/** The token of any tab: all tabs are of one user. Waits for a tab if none is open. */
async function askTabs(): Promise<string> {
  wanted ??= Promise.withResolvers();
  tellAll({ type: 'token-wanted', refused });
  return await wanted.promise;
}

function lend(port: MessagePort, token: string): void {
  if (wanted === undefined || !ports.has(port)) return;
  lender = port;
  wanted.resolve(token);
  wanted = undefined;
}

async function noticeRefusals(...[input, init]: Parameters<typeof fetch>): Promise<Response> {
  const response = await fetch(input, init);
  if (response.status === 401) refused = new Headers(init?.headers).get('authorization')?.slice(7) ?? '';
  return response;
}
