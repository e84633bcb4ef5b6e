import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EventStreamParser } from './event-stream.ts';

const parse = (...pieces: string[]) => {
  const parser = new EventStreamParser(undefined);
  return { events: pieces.flatMap((piece) => parser.push(piece)), parser };
};

test('an event has a type, an id, and data of several lines', () => {
  const { events } = parse('event: product.created\nid: 1-7\ndata: {"a":\ndata: 1}\n\n:heartbeat\n\ndata:x\n\n');
  expect(events).toEqual([
    { type: 'product.created', data: '{"a":\n1}', lastEventId: '1-7' },
    { type: 'message', data: 'x', lastEventId: '1-7' },
  ]);
});

test('a block without data is not an event, but its id and its retry time count', () => {
  const { events, parser } = parse('id: 1-9\nretry: 250\n\n');
  expect([events, parser.lastEventId, parser.retry]).toEqual([[], '1-9', 250]);
});

test('a block without its final empty line is not an event, and its id does not count', () => {
  const { events, parser } = parse('id: 1\ndata: whole\n\nid: 2\nevent: a\ndata: half\n');
  expect([events.map(({ data }) => data), parser.lastEventId]).toEqual([['whole'], '1']);
});

test('an empty id clears the last id, and an id with a NUL is ignored', () => {
  expect(parse('id: 1\n\nid: 2\0\n\n').parser.lastEventId).toBe('1');
  expect(parse('id: 1\n\nid\n\n').parser.lastEventId).toBeUndefined();
});

test('the events do not depend on where the text is cut or how its lines end', () => {
  const lines = ['event: a', 'id: 1', 'data: eins', 'data: zwei', '', ': nothing', 'data: drei', '', ''];
  const expected = parse(lines.join('\n')).events;
  expect(expected).toHaveLength(2);
  const cuts = fc.array(fc.nat(100), { maxLength: 20 });
  fc.assert(
    fc.property(cuts, fc.constantFrom('\n', '\r', '\r\n'), (places, lineEnd) => {
      const text = lines.join(lineEnd);
      const sorted = [0, ...places.toSorted((a, b) => a - b), text.length];
      const pieces = sorted.slice(1).map((place, i) => text.slice(sorted[i], place));
      expect(parse(...pieces).events).toEqual(expected);
    }),
  );
});
