// The shared worker that reads the stream for all tabs of a browser.
import { Catalogue } from '@catalogue/client';
import { beatMs } from './silence.ts';
import { Station } from './stream-news.ts';
import { readStream } from './stream-reader.ts';

const ports = new Set<MessagePort>();
const station = new Station((news) => {
  for (const port of ports) port.postMessage(news);
});

addEventListener('connect', (event) => {
  const [port] = (event as MessageEvent).ports;
  if (port === undefined) return;
  // A tab says goodbye when it closes or sleeps, and joins again when it wakes.
  port.addEventListener('message', () => ports.delete(port));
  port.start();
  for (const news of station.greeting()) port.postMessage(news);
  ports.add(port);
});
setInterval(() => station.tell({ type: 'beat' }), beatMs);
void readStream({
  catalogue: new Catalogue({ commands: '', queries: '' }),
  lastEventId: undefined,
  tell: (news) => station.tell(news),
  signal: new AbortController().signal,
});
