import { isUtf8 } from 'node:buffer';
import { parkedEvents } from '@catalogue/projection-schema';
import { listParked, type ParkedFilter, type ParkedProduct, showParked } from '../operate/parked-list.ts';
import { discardParked, type Resumed, retryParked } from '../operate/parked-products.ts';
import { ReadAgain } from '../operate/read-again.ts';
import { RefusedError } from '../operate/refused.ts';
import type { FiledMessage } from '../fold/parked-message.ts';
import { allowUnreadable } from '../tables/offsets.ts';
import { type Command, type Input, type Output, type Tools, UsageError } from './command.ts';
import { printable, table } from './table.ts';

const maxListed = 1_000;

const filters = {
  reason: `only products that wait for this reason: ${parkedEvents.reason.enumValues.join(', ')}`,
  'older-than': 'only products that have waited for longer: 90s, 15m, 12h, 7d',
};

const list: Command = {
  name: 'parked list',
  summary: 'Lists the products whose messages wait, and for what; the longest wait first',
  options: filters,
  run: async ({ sql }, input) => {
    const products = await listParked(sql, filterOf(input), maxListed + 1);
    const shown = products.slice(0, maxListed);
    const text = table(['generation', 'product', 'messages', 'since', 'reason', 'waits for'], shown.map(rowOf));
    const rest = products.length > maxListed ? `\nThere are more than ${maxListed}: select them with options` : '';
    return { data: shown, text: products.length === 0 ? 'No products are parked' : text + rest };
  },
};

function rowOf({ generation, productId, events, since, reason, detail }: ParkedProduct): (string | number)[] {
  return [generation, named(productId), events, since.toISOString(), reason, detail];
}

const show: Command = {
  name: 'parked show',
  summary: 'Shows the waiting messages of a product, in order',
  argument: '<product>',
  run: async ({ sql }, { positionals }) => {
    const [productId = ''] = positionals;
    if (positionals.length !== 1) throw new UsageError('"parked show" needs the id of one product');
    const messages = await showParked(sql, productId);
    if (messages.length === 0) throw new RefusedError(`No messages of product ${productId} are parked`);
    const [{ waiting } = { waiting: 0 }] = messages;
    const text = messages.map(textOf).join('\n\n');
    const rest = waiting > messages.length ? `\n\n${waiting - messages.length} more messages wait behind these` : '';
    return { data: messages.map(dataOf), text: text + rest };
  },
};

/** The most characters of a message that are shown to people. */
const maxShownCharacters = 4_000;

function textOf(message: FiledMessage): string {
  const { generation, topic, partition, offset, reason, detail, traceparent, parkedAt } = message;
  const value = message.value?.toString() ?? 'no value';
  const rest =
    value.length > maxShownCharacters
      ? `\n  … and ${value.length - maxShownCharacters} more characters: --json shows all`
      : '';
  return [
    `generation ${generation}  ${topic}[${partition}] offset ${offset}  since ${parkedAt.toISOString()}`,
    printable(`${reason}: ${detail}`),
    printable(`trace ${traceparent ?? 'unknown'}`),
    printable(value.slice(0, maxShownCharacters)) + rest,
  ].join('\n  ');
}

/** `base64` where the message is not text. */
function dataOf({ value, ...message }: FiledMessage): object {
  const base64 = value !== null && !isUtf8(value) ? { base64: value.toString('base64') } : {};
  return { ...message, message: value?.toString() ?? null, ...base64 };
}

const retry: Command = {
  name: 'parked retry',
  summary: 'Tries parked messages again, for example after a new release',
  argument: '<product>...',
  options: filters,
  flags: { all: 'all parked products, or those that the options select' },
  run: async (tools, input) => {
    const { sql, model, codec } = tools;
    const reading = new ReadAgain(codec);
    return report(await forEach(tools, input, (id) => retryParked(sql, model, id, reading)));
  },
};

const discard: Command = {
  name: 'parked discard',
  summary: 'Discards for good what blocks a product, and continues; without --yes, only prints what it would discard',
  argument: '<product>...',
  options: { event: 'the id of one event to discard, which should never have been sent', ...filters },
  flags: { all: 'all parked products, or those that the options select', yes: 'discard it' },
  run: async (tools, input) => {
    const dryRun = !input.flags.has('yes');
    const eventId = input.options.get('event');
    if (eventId !== undefined && input.positionals.length !== 1)
      throw new UsageError('--event needs the id of one product, and no other option');
    const reading = new ReadAgain(tools.codec);
    const output = report(
      await forEach(tools, input, (id) => discardParked(tools.sql, tools.model, id, { dryRun, eventId, reading })),
    );
    return dryRun ? { ...output, text: `${output.text}\nNothing was discarded: add --yes to discard it` } : output;
  },
};

const maxAllowed = 1_000_000;

const allow: Command = {
  name: 'parked allow',
  summary: 'Lets a partition continue that stopped at too many unreadable messages: they are parked',
  argument: '<partition>',
  options: { messages: 'how many messages; 10000 when absent' },
  run: async ({ sql, topic }, { positionals, options }) => {
    const [partition = ''] = positionals;
    if (positionals.length !== 1 || !/^\d{1,6}$/.test(partition))
      throw new UsageError('"parked allow" needs the number of one partition');
    const messages = Number(options.get('messages') ?? 10_000);
    if (!Number.isInteger(messages) || messages < 1 || messages > maxAllowed)
      throw new UsageError(`--messages must be from 1 to ${maxAllowed}, found "${options.get('messages')}"`);
    const generations = await allowUnreadable(sql, topic, Number(partition), messages);
    if (generations.length === 0) throw new RefusedError(`No offset is stored for ${topic}[${partition}]`);
    const text = `${topic}[${partition}] may park ${messages} more unreadable messages: start the worker again`;
    return { data: { partition: Number(partition), messages, generations }, text };
  },
};

export const parked: Command[] = [list, show, retry, discard, allow];

/** The results of some products, and the refusals of others. */
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
  if (isAll === input.positionals.length > 0) throw new UsageError('Name the products, or use --all');
  const filter = filterOf(input);
  if (!isAll && Object.keys(filter).length > 0)
    throw new UsageError('--reason and --older-than select among all products: use them with --all, without names');
  const ids = isAll
    ? (await listParked(sql, filter, Number.MAX_SAFE_INTEGER)).map((it) => it.productId)
    : input.positionals;
  const outcomes: Outcomes = { done: [], refused: [] };
  for (const productId of new Set(ids)) {
    try {
      const resumed = await act(productId);
      if (resumed.length === 0) throw new RefusedError(`No messages of product ${productId} are parked`);
      outcomes.done.push(...resumed.map((it) => ({ productId, ...it })));
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      outcomes.refused.push(error.message);
    }
  }
  if (isAll && ids.length === 0) throw new RefusedError('No parked products match');
  if (outcomes.done.length === 0) throw new RefusedError(outcomes.refused.join('\n'));
  return outcomes;
}

function report({ done, refused }: Outcomes): Output {
  const rows = done.map(({ generation, productId, discarded, released, waitsFor }) => [
    generation,
    named(productId),
    discarded.join(', '),
    released,
    waitsFor ?? 'nothing',
  ]);
  const text = table(['generation', 'product', 'discards', 'released', 'waits for'], rows);
  return { data: done, text, ...(refused.length > 0 && { refused: refused.join('\n') }) };
}

/** A product's name on the command line. */
function named(productId: string): string {
  return productId === '' ? "''" : productId;
}

const units = { s: 1, m: 60, h: 3600, d: 86_400 };

function filterOf({ options }: Input): ParkedFilter {
  const reason = options.get('reason');
  const age = options.get('older-than');
  if (reason !== undefined && !(parkedEvents.reason.enumValues as string[]).includes(reason)) {
    throw new UsageError(`--reason must be one of ${parkedEvents.reason.enumValues.join(', ')}, found "${reason}"`);
  }
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(age ?? '') ?? [];
  if (age !== undefined && count === undefined)
    throw new UsageError(`--older-than must be a duration such as 15m or 12h, found "${age}"`);
  const olderThanMs = Number(count) * units[unit as keyof typeof units] * 1000;
  return { ...(reason === undefined ? {} : { reason }), ...(age === undefined ? {} : { olderThanMs }) };
}
