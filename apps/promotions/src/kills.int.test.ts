import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomFrom, seed, waitFor } from '@catalogue/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { expectGivenBack } from '../test/oracle.ts';
import { Pipeline } from '../test/pipeline.ts';

// A process dies at a boundary of its driver: before or after a statement, a commit or a command. At all boundaries,
// with one process and with two, and with another service that is killed in the same moment: PROMOTIONS_FAULTS=all,
// which takes many minutes.
const isAll = process.env['PROMOTIONS_FAULTS'] === 'all';
const patience = isAll ? 7_200_000 : 240_000;
const prices = [10, 20.5, 0.01];

let pipeline: Pipeline;
let products: string[];
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'boundaries-'));
  pipeline = await Pipeline.start(inject('servers'));
  products = await pipeline.create(...prices);
});
afterAll(async () => {
  await pipeline?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

type Ending = 'reverting' | 'compensating';
type Beside = 'command-api' | 'outbox-relay' | 'promotions-2' | undefined;

interface Life {
  /** The boundary at which the process dies, with its occurrence; empty: at none. */
  killAt: string;
  ending: Ending;
  /** Killed in the same moment. */
  beside?: Beside;
  /** Where the process dies that is started after this one. */
  next?: string;
}

/** The process that runs, and the file with the boundaries that it has passed. */
let running = { killAt: 'not started', file: '' };
let processes = 0;

/** Starts a process that dies at a boundary, once it is armed. */
async function start(killAt: string): Promise<void> {
  const file = join(folder, String((processes += 1)));
  const preload = `--import=${new URL('../test/kill-at.ts', import.meta.url).href}`;
  await pipeline.runWith('promotions', { NODE_OPTIONS: preload, BOUNDARIES: file, KILL_AT: killAt });
  running = { killAt, file };
}

/** Lets a promotion begin and end. Returns the boundaries that the process has passed, the last one that of its death. */
async function live({ killAt, ending, beside, next = '' }: Life): Promise<{ boundaries: string[]; isKilled: boolean }> {
  if (running.killAt !== killAt || processes === 0) {
    await pipeline.stop('promotions');
    await start(killAt);
  }
  const { file } = running;
  pipeline.signal('promotions', 'SIGWINCH');
  const id = randomUUID();
  const asked = { id, name: 'Sale', products, percent: 20, onRefusal: 'skip' };
  const endsBefore = new Date(Date.now() + 600_000);
  // The process may die while it answers: the same request again gets the same promotion.
  const schedule = async () => (await pipeline.ask('POST', '/promotions', { ...asked, endsBefore })).status;
  const status = await schedule().catch(() => undefined);
  let isKilled = false;
  const restart = async () => {
    // A process that ended for another reason says it.
    expect([killAt, await pipeline.exitOf('promotions')]).toEqual([expect.stringMatching(/./), 'SIGKILL']);
    isKilled = true;
    if (beside !== undefined) await pipeline.kill(beside);
    // The hold lasts for 10 s after the death of its process: this test does not wait for that.
    await pipeline.sql`update promotions set held_until = now() where id = ${id}`;
    await Promise.all([start(next), ...(beside === undefined ? [] : [pipeline.run(beside)])]);
    expect(await schedule()).toBe(202);
  };
  const end = async () =>
    ending === 'compensating'
      ? await pipeline.ask('POST', `/promotions/${id}/cancel`)
      : await pipeline.ask('PATCH', `/promotions/${id}`, { endsBefore: new Date(Date.now() + 300) });
  if (status === undefined) await waitFor('the process to be dead', () => pipeline.hasEnded('promotions'));
  else expect(status).toBe(202);
  let isEnding = false;
  await waitFor(
    `promotion ${id} to end, whose process dies at ${killAt}`,
    async () => {
      if (!isKilled && pipeline.hasEnded('promotions')) await restart();
      const [row] = await pipeline.sql<{ state: string }[]>`select state from promotions where id = ${id}`;
      // The process may die while it answers.
      if (row?.state === 'active' && !isEnding) isEnding = (await end().catch(() => undefined))?.status === 200;
      return row?.state === 'ended' || row?.state === 'undone';
    },
    { within: 120_000 },
  );
  await expectOutcome(id, ending);
  // It is armed and may die later: another promotion needs a new one.
  if (!isKilled) running = { killAt: 'used', file };
  return { boundaries: existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [], isKilled };
}

/** Every product has its price back, each step changed its product once, and the log has each move once. */
async function expectOutcome(id: string, ending: Ending): Promise<void> {
  const items = await pipeline.sql`select distinct state from promotion_items where promotion = ${id}`;
  expect(items).toEqual([{ state: 'given-back' }]);
  // 20% off one cent is one cent: no step changes that product.
  expect(await pipeline.changesByStep(id)).toEqual([1, 1, 1, 1]);
  expect(await pipeline.prices(products)).toEqual(prices);
  await expectGivenBack(pipeline, products);
  const log = await pipeline.sql<{ to: string }[]>`
    select to_state as "to" from promotion_log where promotion = ${id} and from_state is distinct from to_state order by seq`;
  const last = ending === 'reverting' ? 'ended' : 'undone';
  expect(log.map(({ to }) => to)).toEqual(['claiming', 'scheduled', 'applying', 'active', ending, last]);
  const events = await pipeline.sql<{ type: string }[]>`select type from events where stream = ${id} order by version`;
  const types = [
    'PromotionScheduled',
    'PromotionStarted',
    ending === 'reverting' ? 'PromotionEnded' : 'PromotionUndone',
  ];
  expect(events.map(({ type }) => type)).toEqual(types);
  expect(await pipeline.sql`select from claims where promotion = ${id}`).toHaveLength(0);
}

const random = randomFrom('boundaries');

interface Deaths {
  /** The boundaries of a life without a death, each with its occurrence. */
  boundaries: string[];
  /** How many deaths were wanted, and how many there were, by boundary. */
  wanted: number;
  deaths: ReadonlyMap<string, number>;
}

/**
 * Notes the boundaries of a life, then lets the process die at each of them; at three of them in the short form. While
 * it waits for events it passes the same ones again and again: of each no more than so many occurrences count.
 */
async function dieAtEach(ending: Ending, besides: readonly Beside[], maxOccurrences: number): Promise<Deaths> {
  const { boundaries } = await live({ killAt: '', ending });
  const all = boundaries.filter((place) => Number.parseInt(place, 10) <= maxOccurrences);
  const places = isAll ? all : Array.from({ length: 3 }, () => random.of(all));
  const deaths = new Map<string, number>();
  for (const [index, killAt] of places.entries()) {
    const next = places[index + 1] ?? '';
    const life = await live({ killAt, ending, beside: random.of(besides), next });
    // How often it looks for events depends on how fast they come: a life may have fewer boundaries.
    if (!life.isKilled) continue;
    expect(life.boundaries.at(-1)).toBe(killAt);
    const name = killAt.replace(/^\d+ /, '');
    deaths.set(name, (deaths.get(name) ?? 0) + 1);
  }
  return { boundaries: all, wanted: places.length, deaths };
}

/** Each statement and command of the way was a boundary. Returns how many deaths there were. */
function expectDeaths({ boundaries, deaths }: Deaths, ending: Ending): number {
  const came = [...deaths.values()].reduce((sum, count) => sum + count, 0);
  process.stdout.write(`${ending}: ${boundaries.length} boundaries, ${came} deaths at ${deaths.size} kinds of them\n`);
  if (isAll) for (const [death, count] of deaths) process.stdout.write(`  ${count} ${death}\n`);
  for (const each of [
    'insert into promotion_log',
    'before: commit',
    'after: PATCH',
    'with decided as',
    'with found as',
  ]) {
    expect(boundaries.some((boundary) => boundary.includes(each))).toBe(true);
  }
  return came;
}

test(`a process that dies at a boundary of its driver leaves no price behind, and does nothing twice (seed ${seed})`, {
  timeout: patience,
}, async () => {
  const life = await dieAtEach('reverting', [undefined], 3);
  expect(expectDeaths(life, 'reverting')).toBeGreaterThan(life.wanted / 2);
});

test.runIf(isAll)(`nor while a promotion is cancelled (seed ${seed})`, { timeout: patience }, async () => {
  const life = await dieAtEach('compensating', [undefined], 1);
  expect(expectDeaths(life, 'compensating')).toBeGreaterThan(life.wanted / 2);
});

test.runIf(isAll)(
  `nor with another process, or when others die with it (seed ${seed})`,
  {
    timeout: patience,
  },
  async () => {
    await pipeline.run('promotions-2');
    const life = await dieAtEach('reverting', [undefined, 'command-api', 'outbox-relay', 'promotions-2'], 1);
    // The other process does a part of the work.
    expect(expectDeaths(life, 'reverting')).toBeGreaterThan(life.wanted / 5);
  },
);
