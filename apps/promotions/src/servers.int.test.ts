import { type OwnKafka, type OwnPostgres, startOwnKafka, startOwnPostgres } from '@catalogue/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectGivenBack } from '../test/oracle.ts';
import { Pipeline } from '../test/pipeline.ts';

// Two processes of promotions, on servers that the tests kill. All faults take minutes: PROMOTIONS_FAULTS=all.
const isAll = process.env['PROMOTIONS_FAULTS'] === 'all';
let owned: AsyncDisposableStack;
let pipeline: Pipeline;
let events: OwnPostgres;
let promotions: OwnPostgres;
let kafka: OwnKafka;
beforeAll(async () => {
  owned = new AsyncDisposableStack();
  [events, promotions, kafka] = await Promise.all([startOwnPostgres(), startOwnPostgres(), startOwnKafka()]);
  for (const server of [events, promotions, kafka]) owned.use(server);
  const servers = { writeDb: events.dsn('postgres'), readDb: promotions.dsn('postgres'), kafka: kafka.brokers };
  pipeline = owned.use(await Pipeline.start(servers));
  await pipeline.run('promotions-2');
});
afterAll(async () => await owned?.disposeAsync());

const prices = (count: number) => Array.from({ length: count }, (_, index) => 10 + index);

async function crash(server: OwnPostgres): Promise<void> {
  await server.crash();
  await server.restart();
}
async function restartKafka(): Promise<void> {
  await kafka.stop();
  await kafka.restart();
}
const faults: Record<string, () => Promise<unknown>> = {
  'its database': () => crash(promotions),
  'the event store': () => crash(events),
  'both databases': () => Promise.all([crash(events), crash(promotions)]),
  'Kafka and its database': () => Promise.all([restartKafka(), crash(promotions)]),
};

/** Resolves when items of the promotion are in the state, or beyond it. */
async function begins(id: string, ...states: string[]): Promise<void> {
  const isBegun = async () => {
    const [row] = await pipeline.sql`
      select from promotion_items where promotion = ${id} and state in ${pipeline.sql(states)} limit 1`;
    return row !== undefined;
  };
  await expect.poll(isBegun).toBe(true);
}

const tried = isAll ? Object.keys(faults) : ['both databases'];

test.each(tried)('a crash of %s leaves no price behind, whenever it comes', async (name) => {
  const fault = faults[name] ?? (async () => {});
  const products = await pipeline.create(...prices(100));
  const id = await pipeline.schedule(products, 600_000);
  await begins(id, 'applying', 'applied');
  await fault();
  await pipeline.reaches(id, 'active');
  const cancelled = async () => await pipeline.ask('POST', `/promotions/${id}/cancel`).catch(() => undefined);
  await expect.poll(async () => (await cancelled())?.body.state).toBe('compensating');
  await begins(id, 'giving-back', 'given-back');
  await fault();
  expect((await pipeline.reaches(id, 'undone')).items).toMatchObject({ 'given-back': 100 });
  await expectGivenBack(pipeline, products);
});

test('an outage of the database is logged once, and the next one again', async () => {
  const told = () => pipeline.logOf('promotions').split('Due promotions could not be read').length - 1;
  const before = told();
  for (const outages of [1, 2]) {
    await promotions.crash();
    await expect.poll(told).toBe(before + outages);
    await promotions.restart();
    const [product = ''] = await pipeline.create(10);
    await pipeline.reaches(await pipeline.schedule([product], 500), 'ended');
    expect(told()).toBe(before + outages);
  }
});

test('a deployment in the middle: the old processes end in order, and new ones go on', async () => {
  const products = await pipeline.create(...prices(200));
  const id = await pipeline.schedule(products, 600_000);
  const deploy = async () => {
    for (const name of ['promotions', 'promotions-2'] as const) {
      expect(await pipeline.stop(name)).toBe(0);
      await pipeline.run(name);
    }
  };
  await begins(id, 'applying', 'applied');
  await deploy();
  await pipeline.reaches(id, 'active');
  await pipeline.ask('POST', `/promotions/${id}/cancel`);
  await begins(id, 'giving-back', 'given-back');
  if (isAll) await deploy();
  await pipeline.reaches(id, 'undone');
  await expectGivenBack(pipeline, products);
});

test('a rebuild of its prices in the middle changes nothing', async () => {
  const products = await pipeline.create(...prices(100));
  const id = await pipeline.schedule(products, 600_000);
  await pipeline.tool('rebuild', 'start');
  await pipeline.reaches(id, 'active');
  await pipeline.ask('POST', `/promotions/${id}/cancel`);
  const switched = async () => (await pipeline.tool('rebuild', 'switch').catch(() => 'not yet')) !== 'not yet';
  await expect.poll(switched).toBe(true);
  await pipeline.reaches(id, 'undone');
  await expectGivenBack(pipeline, products);
});

/** An option of node that moves the clock of a process. */
const clockOff = (ms: number) => {
  const code = `const Real=Date;globalThis.Date=class extends Real{constructor(...given){given.length?super(...given):super(Real.now()+${ms})}static now(){return Real.now()+${ms}}}`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` };
};

test('clocks of its processes that are an hour off neither begin nor end a promotion', async () => {
  await Promise.all([pipeline.stop('promotions'), pipeline.stop('promotions-2')]);
  await Promise.all([
    pipeline.runWith('promotions', clockOff(3_600_000)),
    pipeline.runWith('promotions-2', clockOff(-3_600_000)),
  ]);
  const products = await pipeline.create(10, 20);
  const startsAt = new Date(Date.now() + 1_000);
  const endsBefore = new Date(startsAt.getTime() + 3_000);
  const id = await pipeline.schedule(products, 0, { startsAt, endsBefore });
  await pipeline.reaches(id, 'ended');
  const late = await pipeline.sql<{ to: string; late: number }[]>`
    select to_state as "to", extract(epoch from at - case to_state when 'applying' then starts_at else ends_before end)::float8 as late
    from promotion_log join promotions on promotions.id = promotion
    where promotion = ${id} and to_state in ('applying', 'reverting') order by seq`;
  expect(late.map(({ to }) => to)).toEqual(['applying', 'reverting']);
  for (const each of late) expect(each.late).toBeGreaterThanOrEqual(0);
  for (const each of late) expect(each.late).toBeLessThan(1_800);
  await expectGivenBack(pipeline, products);
});
