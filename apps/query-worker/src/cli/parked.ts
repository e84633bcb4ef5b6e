import { parkedEvents } from '@catalogue/read-schema';
import {
  discardParked,
  listParked,
  type ParkedFilter,
  type ParkedProduct,
  type Resumed,
  retryParked,
  showParked,
} from '../product/parking.ts';
import { RefusedError } from '../rebuild/refused.ts';
import { type Command, type Input, type Output, type Tools, UsageError } from './command.ts';
import { table } from './table.ts';

const mostListed = 1_000;

const filters = {
  reason: `only what waits for this: ${parkedEvents.reason.enumValues.join(', ')}`,
  'older-than': 'only what has waited for longer: 90s, 15m, 12h, 7d',
};

const list: Command = {
  name: 'parked list',
  summary: 'The products whose events wait, and what for; the longest first',
  options: filters,
  run: async ({ sql }, input) => {
    const products = await listParked(sql, filterOf(input), mostListed + 1);
    const shown = products.slice(0, mostListed);
    const text = table(['generation', 'product', 'messages', 'since', 'reason', 'waits for'], shown.map(rowOf));
    const rest = products.length > mostListed ? `\nMore than ${mostListed}: narrow them down` : '';
    return { data: shown, text: products.length === 0 ? 'Nothing waits' : text + rest };
  },
};

function rowOf({ generation, productId, events, since, reason, detail }: ParkedProduct): (string | number)[] {
  return [generation, productId, events, since.toISOString(), reason, detail];
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
    const told = messages.map(({ value, ...message }) => ({ ...message, message: value?.toString() ?? null }));
    const text = told.map(
      ({ generation, topic, partition, offset, reason, detail, traceparent, parkedAt, message }) =>
        `generation ${generation}  ${topic}[${partition}] offset ${offset}  since ${parkedAt.toISOString()}` +
        `\n  ${reason}: ${detail}\n  trace ${traceparent ?? 'unknown'}\n  ${message ?? 'no value'}`,
    );
    return { data: told, text: text.join('\n\n') };
  },
};

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
  options: filters,
  flags: { all: 'every product that waits, or those that the options leave', yes: 'do it' },
  run: async (tools, input) => {
    const isDry = !input.flags.has('yes');
    const output = report(await forEach(tools, input, (id) => discardParked(tools.sql, id, isDry)));
    return isDry ? { ...output, text: `${output.text}\nNothing was written: do it with --yes` } : output;
  },
};

export const parked: Command[] = [list, show, retry, discard];

async function forEach(
  { sql }: Tools,
  input: Input,
  act: (productId: string) => Promise<Resumed[]>,
): Promise<(Resumed & { productId: string })[]> {
  const isAll = input.flags.has('all');
  if (isAll === input.positionals.length > 0) throw new UsageError('Name the products, or say --all');
  const filter = filterOf(input);
  const ids = isAll
    ? (await listParked(sql, filter, Number.MAX_SAFE_INTEGER)).map((it) => it.productId)
    : input.positionals;
  const outcomes = [];
  for (const productId of new Set(ids)) {
    for (const resumed of await act(productId)) outcomes.push({ productId, ...resumed });
  }
  if (outcomes.length === 0) throw new RefusedError('Nothing of these products waits');
  return outcomes;
}

function report(outcomes: (Resumed & { productId: string })[]): Output {
  const rows = outcomes.map(({ generation, productId, discarded, released, waitsFor }) => [
    generation,
    productId,
    discarded.join(', '),
    released,
    waitsFor ?? 'nothing any more',
  ]);
  return { data: outcomes, text: table(['generation', 'product', 'does without', 'released', 'waits for'], rows) };
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
  const before = new Date(Date.now() - Number(count) * units[unit as keyof typeof units] * 1000);
  return { ...(reason === undefined ? {} : { reason }), ...(age === undefined ? {} : { before }) };
}
