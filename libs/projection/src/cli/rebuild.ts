import { setTimeout as delay } from 'node:timers/promises';
import type { Sql } from '@catalogue/postgres';
import type { Generation } from '@catalogue/projection-schema';
import { compareGenerations, type Parity } from '../operate/rebuild/compare.ts';
import { dropGeneration } from '../operate/rebuild/drop.ts';
import { type Progress, readProgress } from '../operate/rebuild/progress.ts';
import { startRebuild } from '../operate/rebuild/start.ts';
import { switchGeneration } from '../operate/rebuild/switch.ts';
import { RefusedError } from '../operate/refused.ts';
import { type Command, type Input, type Tools, UsageError } from './command.ts';
import { describeParity } from './parity.ts';
import { table } from './table.ts';
import { readTopic, unanswered } from './topic.ts';

const start: Command = {
  name: 'rebuild start',
  summary: 'Starts a rebuild: all workers fill a new generation beside the one that serves',
  run: async ({ sql, model }) => {
    const generation = await startRebuild(sql, model);
    return {
      data: { generation },
      text: `Generation ${generation} is being filled: "rebuild status" shows its progress`,
    };
  },
};

/** Milliseconds over which the rate is measured. */
const sampleMs = 2000;

const status: Command = {
  name: 'rebuild status',
  summary: 'Shows the generations, their progress, rate and remaining time',
  flags: { parity: 'compare the generation being filled with the one that serves, row by row' },
  run: async (tools, { flags }) => {
    const before = await readProgress(tools.sql, tools.model, await readTopic(tools));
    await delay(sampleMs);
    const topic = await readTopic(tools);
    const generations = await readProgress(tools.sql, tools.model, topic, before);
    const rows = generations.map(({ generation, state, applied, behind, parked, unbuilt, perSecond, secondsLeft }) => [
      generation,
      state,
      applied,
      behind ?? 'unknown',
      perSecond,
      leftOf(behind, secondsLeft),
      parked,
      unbuilt === 0 ? 'built' : `${unbuilt} to build`,
    ]);
    const refused = unanswered(topic);
    const text = table(['generation', 'state', 'applied', 'behind', 'a second', 'left', 'parked', 'indexes'], rows);
    if (!flags.has('parity')) return { refused, data: { generations }, text: text + hintOn(generations) };
    const parity = await compare(tools, await onlyGenerationIn(tools.sql, 'filling'));
    return {
      refused,
      data: { generations, parity },
      text: `${text}${hintOn(generations)}\n\n${describeParity(parity)}`,
    };
  },
};

function leftOf(behind: number | null, secondsLeft: number | null): string {
  if (secondsLeft !== null) return `${secondsLeft} s`;
  return behind === null ? 'unknown' : 'not catching up';
}

function hintOn(generations: readonly Progress[]): string {
  const isStuck = generations.some(({ behind, secondsLeft }) => behind !== null && secondsLeft === null);
  return isStuck ? '\nThe new generation does not catch up: /health/ready of the workers says why' : '';
}

const toNew: Command = {
  name: 'rebuild switch',
  summary:
    'Compares the generation being filled with the one that serves, and switches readers to it if they are equal',
  flags: {
    'accept-differences': 'compare, and switch even if they differ',
    force: 'switch without comparing',
  },
  run: async (tools, { flags }) => {
    const to = await onlyGenerationIn(tools.sql, 'filling');
    const parity = flags.has('force') ? undefined : await compare(tools, to);
    const report = parity === undefined ? [] : [describeParity(parity)];
    const isSame = parity === undefined || (parity.comparable && parity.different === 0);
    if (!isSame && !flags.has('accept-differences')) {
      const refused = 'Not switched: the generations differ. If the new one is right, switch with --accept-differences';
      return { data: { parity }, text: report.join('\n'), refused };
    }
    const from = await switchGeneration(tools.sql, tools.model, { to, state: 'filling', topic: tools.topic });
    const done = `Generation ${to} serves; generation ${from} stays up to date: "rebuild rollback" switches back to it, "rebuild drop ${from}" deletes it`;
    return { data: { from, to, parity }, text: [...report, done].join('\n') };
  },
};

const back: Command = {
  name: 'rebuild rollback',
  summary: 'Switches readers back to the retired generation',
  argument: '[generation]',
  run: async (tools, input) => {
    const to = typedGeneration(input) ?? (await retiredBefore(tools.sql));
    const from = await switchGeneration(tools.sql, tools.model, { to, state: 'retired', topic: tools.topic });
    return { data: { from, to }, text: `Generation ${to} serves again; generation ${from} stays up to date` };
  },
};

const drop: Command = {
  name: 'rebuild drop',
  summary: 'Deletes a generation that does not serve: the one being filled, or a retired one',
  argument: '<generation>',
  run: async ({ sql, model }, input) => {
    const generation = typedGeneration(input);
    if (generation === undefined) throw new UsageError('"rebuild drop" needs the number of a generation');
    await dropGeneration(sql, model, generation);
    return { data: { generation }, text: `Generation ${generation} is dropped` };
  },
};

export const rebuild: Command[] = [start, status, toNew, back, drop];

function typedGeneration({ positionals }: Input): number | undefined {
  const [typed, ...more] = positionals;
  if (typed === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(typed) || more.length > 0)
    throw new UsageError(`Expected the number of one generation, found "${positionals.join(' ')}"`);
  return Number(typed);
}

/** The only generation in a state. */
async function onlyGenerationIn(sql: Sql, state: Generation['state']): Promise<number> {
  const rows = await sql<Pick<Generation, 'generation'>[]>`
    select generation from generations where state = ${state} order by generation`;
  const [row] = rows;
  if (row === undefined) throw new RefusedError(`No generation is ${state}: "rebuild status" shows all generations`);
  if (rows.length > 1)
    throw new RefusedError(`Generations ${rows.map(({ generation }) => generation).join(', ')} are ${state}: name one`);
  return row.generation;
}

/**
 * The generation that served before the current one. Only an older one: otherwise the second of two operators who roll back at
 * the same time would undo the first one's rollback.
 */
async function retiredBefore(sql: Sql): Promise<number> {
  const retired = await onlyGenerationIn(sql, 'retired');
  const serving = await onlyGenerationIn(sql, 'serving');
  if (retired < serving) return retired;
  throw new RefusedError(
    `Generation ${serving} serves already, and it has no predecessor: to show generation ${retired} again, name it ("rebuild rollback ${retired}")`,
  );
}

async function compare({ sql, model, topic }: Tools, candidate: number): Promise<Parity> {
  const serving = await onlyGenerationIn(sql, 'serving');
  return await compareGenerations(sql, model, { serving, candidate, topic });
}
