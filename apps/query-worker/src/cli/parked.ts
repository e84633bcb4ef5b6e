import { isUtf8 } from 'node:buffer';
import { parkedEvents } from '@catalogue/read-schema';
import { listParked, type ParkedFilter, type ParkedProduct, showParked } from '../operate/parked-list.ts';
import { discardParked, type Resumed, retryParked } from '../operate/parked-products.ts';
import { RefusedError } from '../operate/refused.ts';
import type { FiledMessage } from '../projection/parked-message.ts';
import { allowUnreadable } from '../tables/offsets.ts';
import { type Command, type Input, type Output, type Tools, UsageError } from './command.ts';
import { printable, table } from './table.ts';

const maxListed = 1_000;

const filters = {
  reason: `only what waits for this: ${parkedEvents.reason.enumValues.join(', ')}`,
  'older-than': 'only what has waited for longer: 90s, 15m, 12h, 7d',
};

const list: Command = {
  name: 'parked list',
  summary: 'The products whose events wait, and what for; the longest first',
  options: filters,
  run: async ({ sql }, input) => {
    const products = await listParked(sql, filterOf(input), maxListed + 1);
    const shown = products.slice(0, maxListed);
    const text = table(['generation', 'product', 'messages', 'since', 'reason', 'waits for'], shown.map(rowOf));
    const rest = products.length > maxListed ? `\nMore than ${maxListed}: narrow them down` : '';
    return { data: shown, text: products.length === 0 ? 'Nothing waits' : text + rest };
  },
};

function rowOf({ generation, productId, events, since, reason, detail }: ParkedProduct): (string | number)[] {
  return [generation, named(productId), events, since.toISOString(), reason, detail];
}

const show: Command = {
  name: 'parked show',
  summary: 'The messages of a product that wait, in order, as they came',
  argument: '<product>',
  run: async ({ sql }, { positionals }) => {
    const [productId = ''] = positionals;
    if (positionals.length !== 1) throw new UsageError('"parked show" needs the id of one product');
    const messages = await showParked(sql, productId);
    if (messages.length === 0) throw new RefusedError(`Nothing of product ${productId} waits`);
    const [{ waiting } = { waiting: 0 }] = messages;
    const text = messages.map(textOf).join('\n\n');
    const rest = waiting > messages.length ? `\n\n${waiting - messages.length} more wait behind these` : '';
    return { data: messages.map(dataOf), text: text + rest };
  },
};

/** Characters of a message that are shown to people. */
const maxShownCharacters = 4_000;

function textOf(message: FiledMessage): string {
  const { generation, topic, partition, offset, reason, detail, traceparent, parkedAt } = message;
  const value = message.value?.toString() ?? 'no value';
  const rest =
    value.length > maxShownCharacters
      ? `\n  … and ${value.length - maxShownCharacters} characters more: --json shows all`
      : '';
  return [
    `generation ${generation}  ${topic}[${partition}] offset ${offset}  since ${parkedAt.toISOString()}`,
    printable(`${reason}: ${detail}`),
    printable(`trace ${traceparent ?? 'unknown'}`),
    printable(value.slice(0, maxShownCharacters)) + rest,
  ].join('\n  ');
}

/** `base64` where the message is no text. */
function dataOf({ value, ...message }: FiledMessage): object {
  const base64 = value !== null && !isUtf8(value) ? { base64: value.toString('base64') } : {};
  return { ...message, message: value?.toString() ?? null, ...base64 };
}

const retry: Command = {
  name: 'parked retry',
  summary: 'Tries again what waits: after a new release, or to see what it still waits for',
  argument: '<product>...',
  options: filters,
  flags: { all: 'every product that waits, or those that the options leave' },
  run: async (tools, input) => report(await forEach(tools, input, (id) => retryParked(tools.sql, id))),
};

const discard: Command = {
  name: 'parked discard',
  summary: 'Does without what a product waits for, for good, and goes on; says what that would be unless told --yes',
  argument: '<product>...',
  options: { event: 'only this event, which should never have been sent: its id', ...filters },
  flags: { all: 'every product that waits, or those that the options leave', yes: 'do it' },
  run: async (tools, input) => {
    const dryRun = !input.flags.has('yes');
    const eventId = input.options.get('event');
    if (eventId !== undefined && input.positionals.length !== 1)
      throw new UsageError('--event needs its product, and only that');
    const output = report(await forEach(tools, input, (id) => discardParked(tools.sql, id, { dryRun, eventId })));
    return dryRun ? { ...output, text: `${output.text}\nNothing was written: do it with --yes` } : output;
  },
};

const maxAllowed = 1_000_000;

const allow: Command = {
  name: 'parked allow',
  summary: 'Lets a partition go on that stopped at messages in a row that cannot be read: they are parked',
  argument: '<partition>',
  options: { messages: 'so many; 10000 when absent' },
  run: async ({ sql, topic }, { positionals, options }) => {
    const [partition = ''] = positionals;
    if (positionals.length !== 1 || !/^\d{1,6}$/.test(partition))
      throw new UsageError('"parked allow" needs the number of one partition');
    const messages = Number(options.get('messages') ?? 10_000);
    if (!Number.isInteger(messages) || messages < 1 || messages > maxAllowed)
      throw new UsageError(`--messages is from 1 to ${maxAllowed}, found "${options.get('messages')}"`);
    const generations = await allowUnreadable(sql, topic, Number(partition), messages);
    if (generations.length === 0) throw new RefusedError(`No offset is stored for ${topic}[${partition}]`);
    const text = `${topic}[${partition}] may park ${messages} messages more that cannot be read: start the worker again`;
    return { data: { partition: Number(partition), messages, generations }, text };
  },
};

export const parked: Command[] = [list, show, retry, discard, allow];

/** What became of some products, and why nothing became of others. */
interface Outcomes {
  done: (Resumed & { productId: string })[];
  refused: string[];
}

async function forEach(
  { sql }: Tools,
  input: Input,
  act: (productId: string) => Promise<Resumed[]>,
): Promise<Outcomes> {
  const isAll = input.flags.has('all');
  if (isAll === input.positionals.length > 0) throw new UsageError('Name the products, or say --all');
  const filter = filterOf(input);
  const ids = isAll
    ? (await listParked(sql, filter, Number.MAX_SAFE_INTEGER)).map((it) => it.productId)
    : input.positionals;
  const outcomes: Outcomes = { done: [], refused: [] };
  for (const productId of new Set(ids)) {
    try {
      const resumed = await act(productId);
      if (resumed.length === 0) throw new RefusedError(`Nothing of product ${productId} waits`);
      outcomes.done.push(...resumed.map((it) => ({ productId, ...it })));
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      outcomes.refused.push(error.message);
    }
  }
  if (isAll && ids.length === 0) throw new RefusedError('Nothing waits, or nothing of what the options leave');
  if (outcomes.done.length === 0) throw new RefusedError(outcomes.refused.join('\n'));
  return outcomes;
}

function report({ done, refused }: Outcomes): Output {
  const rows = done.map(({ generation, productId, discarded, released, waitsFor }) => [
    generation,
    named(productId),
    discarded.join(', '),
    released,
    waitsFor ?? 'nothing any more',
  ]);
  const text = table(['generation', 'product', 'does without', 'released', 'waits for'], rows);
  return { data: done, text, ...(refused.length > 0 && { refused: refused.join('\n') }) };
}

/** As it has to be typed: of messages without a key, nothing. */
function named(productId: string): string {
  return productId === '' ? "''" : productId;
}

const units = { s: 1, m: 60, h: 3600, d: 86_400 };

function filterOf({ options }: Input): ParkedFilter {
  const reason = options.get('reason');
  const age = options.get('older-than');
  if (reason !== undefined && !(parkedEvents.reason.enumValues as string[]).includes(reason)) {
    throw new UsageError(`--reason is one of ${parkedEvents.reason.enumValues.join(', ')}, found "${reason}"`);
  }
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(age ?? '') ?? [];
  if (age !== undefined && count === undefined) throw new UsageError(`--older-than is like 15m or 12h, found "${age}"`);
  const olderThanMs = Number(count) * units[unit as keyof typeof units] * 1000;
  return { ...(reason === undefined ? {} : { reason }), ...(age === undefined ? {} : { olderThanMs }) };
}
