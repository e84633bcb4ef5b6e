import { request as httpRequest, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { waitFor } from '@catalogue/testing';

export interface ServerSentEvent {
  id: string | undefined;
  event: string | undefined;
  data: { id: string; version: number; name: string; price: number } | undefined;
}

/** A client of the stream that can stop reading. */
export async function openStream(url: string, headers: Record<string, string> = {}) {
  const request = httpRequest(url, { headers, agent: false }).end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const blocks: ServerSentEvent[] = [];
  let rest = '';
  let isClosed = false;
  response.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n\n');
    rest = parts.pop() ?? '';
    blocks.push(...parts.map(parse));
  });
  response.on('error', () => {}).on('close', () => (isClosed = true));
  const events = () => blocks.filter(({ data }) => data !== undefined);
  return {
    status: response.statusCode,
    headers: response.headers,
    /** All blocks that arrived, including those without data. */
    blocks,
    events,
    lastId: () => blocks.findLast(({ id }) => id !== undefined)?.id ?? '',
    /** Resolves when this many events have arrived. */
    received: (count: number) => waitFor(`${count} events`, () => Promise.resolve(events().length >= count)),
    /** Resolves with the id after which the stream starts. */
    begun: async () => {
      await waitFor('the beginning', () => Promise.resolve(blocks.length > 0));
      return blocks[0]?.id;
    },
    /** The event after the first one of a type. */
    next: async (after: string) => {
      const index = () => events().findIndex(({ event }) => event === after);
      await waitFor(`an event after ${after}`, () => index() !== -1 && events().length > index() + 1);
      return events()[index() + 1];
    },
    pause: () => response.pause(),
    resume: () => response.resume(),
    closed: () => waitFor('the end of the stream', () => Promise.resolve(isClosed)),
    [Symbol.dispose]: () => void request.destroy(),
  };
}

function parse(block: string): ServerSentEvent {
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
  const data = field('data');
  return {
    id: field('id'),
    event: field('event'),
    data: data === undefined ? undefined : (JSON.parse(data) as ServerSentEvent['data']),
  };
}
