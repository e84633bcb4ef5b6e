import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { Between, type Command } from '../test/between.ts';
import { expectGivenBack } from '../test/oracle.ts';
import { Pipeline } from '../test/pipeline.ts';

let pipeline: Pipeline;
let between: Between;
beforeAll(async () => {
  pipeline = await Pipeline.start(inject('servers'));
  between = new Between(pipeline.env['COMMAND_API_URL'] ?? '', pass);
  await pipeline.stop('promotions');
  await pipeline.runWith('promotions', { COMMAND_API_URL: between.url });
});
afterAll(async () => {
  await pipeline?.[Symbol.asyncDispose]();
  await between?.[Symbol.asyncDispose]();
});

/** When someone else changes a product. */
type Moment = keyof typeof outcomes;

const changes: ((id: string) => Promise<unknown>)[] = [
  (id) => pipeline.catalogue.change(id, { price: 30 }),
  (id) => pipeline.catalogue.change(id, { name: 'Renamed' }),
  (id) => pipeline.catalogue.discontinue(id),
];

/**
 * What becomes of a product of 10.00 in a promotion of 20%, when someone else changes its price to 30.00, renames it,
 * or discontinues it: its events, those of the promotion with a star, and the state of its item.
 */
const outcomes = {
  scheduled: ['10 30 24* 30* given-back', '10 renamed 8* 10* given-back', '10 discontinued refused'],
  'before it is applied': ['10 30 24* 30* given-back', '10 renamed 8* 10* given-back', '10 discontinued refused'],
  'after it is applied': ['10 8* 30 kept', '10 8* renamed 10* given-back', '10 8* discontinued gone'],
  active: ['10 8* 30 kept', '10 8* renamed 10* given-back', '10 8* discontinued gone'],
  'before it is given back': ['10 8* 30 kept', '10 8* renamed 10* given-back', '10 8* discontinued gone'],
  'after it is given back': [
    '10 8* 10* 30 given-back',
    '10 8* 10* renamed given-back',
    '10 8* 10* discontinued given-back',
  ],
  // The promotion ends while it is not known whether the command that applies the price took effect.
  'after it is applied, without an answer': [
    '10 8* 30 kept',
    '10 8* renamed 10* given-back',
    '10 8* discontinued gone',
  ],
  'before its command is prevented': ['10 30 untouched', '10 renamed untouched', '10 discontinued refused'],
};
const cutShort: readonly Moment[] = ['after it is applied, without an answer', 'before its command is prevented'];

interface Product {
  id: string;
  moment: Moment;
  change: (id: string) => Promise<unknown>;
  changed?: Promise<unknown>;
  /** Its command has come while it was to be cut short. */
  isCut?: boolean;
}
const products = new Map<string, Product>();

async function createProducts(moments: readonly Moment[]): Promise<Product[]> {
  const asked = moments.flatMap((moment) => changes.map((change) => ({ moment, change })));
  const ids = await pipeline.create(...asked.map(() => 10));
  const created = asked.map((each, index) => ({ id: ids[index] ?? '', ...each }));
  for (const product of created) products.set(product.id, product);
  return created;
}

/** Resolves once someone else has changed the products of a moment, each once. */
async function changeAt(moment: Moment, some: readonly Product[]): Promise<void> {
  const meant = some.filter((product) => product.moment === moment);
  await Promise.all(meant.map((product) => (product.changed ??= product.change(product.id))));
}

async function pass({ product: id, phase, price, forward }: Command): Promise<Response> {
  const product = products.get(id);
  if (product === undefined) throw new Error(`There is no product ${id}`);
  const isCut = cutShort.includes(product.moment) && phase === 'apply';
  if (isCut && price === 8) {
    if (product.moment === 'after it is applied, without an answer') {
      await forward();
      await changeAt(product.moment, [product]);
    }
    product.isCut = true;
    return Response.json({ type: 'internal', title: 'Internal', status: 500 }, { status: 500 });
  }
  if (isCut) await changeAt('before its command is prevented', [product]);
  await changeAt(phase === 'apply' ? 'before it is applied' : 'before it is given back', [product]);
  const answer = await forward();
  await changeAt(phase === 'apply' ? 'after it is applied' : 'after it is given back', [product]);
  return answer;
}

const ids = (some: readonly Product[]) => some.map(({ id }) => id);

/** Schedules a promotion, lets others change products until it starts, and starts it. */
async function start(some: readonly Product[]): Promise<string> {
  const startsAt = new Date(Date.now() + 600_000);
  const id = await pipeline.schedule(ids(some), 0, { startsAt, endsBefore: new Date(Date.now() + 1_200_000) });
  await changeAt('scheduled', some);
  await pipeline.startNow(id);
  return id;
}

const endings = {
  ended: (id: string) => pipeline.endIn(id, 300),
  undone: async (id: string) => {
    expect(await pipeline.ask('POST', `/promotions/${id}/cancel`)).toMatchObject({ status: 200 });
  },
};

/** What has become of products, as `outcomes` says it. */
async function outcomesOf(some: readonly Product[]) {
  const events = await pipeline.events<{ stream: string; told: string }[]>`
    select stream, string_agg(case type when 'ProductDiscontinued' then 'discontinued'
      else coalesce(payload ->> 'price', 'renamed') end
      || case when metadata ->> 'requestId' like '%/' || stream || '/%' then '*' else '' end, ' ' order by version) as told
    from events where stream = any(${ids(some)}) group by stream`;
  const items = await pipeline.sql<{ product: string; state: string }[]>`
    select product, state from promotion_items where product = any(${ids(some)}::text[])`;
  const told = new Map(events.map((event) => [event.stream, event.told]));
  const states = new Map(items.map(({ product, state }) => [product, state]));
  const rows = Map.groupBy(some, ({ moment }) => moment);
  return Object.fromEntries(
    [...rows].map(([moment, row]) => [moment, row.map(({ id }) => `${told.get(id)} ${states.get(id)}`)]),
  );
}

test.each(['ended', 'undone'] as const)(
  'whatever someone else changes at any moment of a promotion that is %s stays, and any other price is given back',
  async (over) => {
    const moments = Object.keys(outcomes) as Moment[];
    const whole = await createProducts(moments.filter((moment) => !cutShort.includes(moment)));
    const short = await createProducts(cutShort);
    const [id, shortId] = await Promise.all([start(whole), start(short)]);
    const live = async () => {
      await pipeline.reaches(id, 'active');
      // A command's event can be faster than the change that follows its answer.
      await Promise.all([changeAt('after it is applied', whole), changeAt('active', whole)]);
      await endings[over](id);
      await pipeline.reaches(id, over);
      await changeAt('after it is given back', whole);
    };
    const cut = async () => {
      await expect.poll(() => short.every(({ isCut }) => isCut)).toBe(true);
      await endings[over](shortId);
      await pipeline.reaches(shortId, over);
    };
    await Promise.all([live(), cut()]);
    expect(await outcomesOf([...whole, ...short])).toEqual(outcomes);
    await expectGivenBack(pipeline, ids([...whole, ...short]));
    const { body } = await pipeline.ask('GET', `/promotions/${id}/items?state=kept`);
    expect(body).toHaveLength(3);
    for (const item of body as unknown as object[]) {
      expect(item).toMatchObject({ state: 'kept', before: 10, promoted: 8, kept: { price: 30 } });
    }
  },
);
