import { encodeToken, type Product } from '@catalogue/contracts';
import { connect } from '@catalogue/postgres';
import { migrateReadModel } from '@catalogue/read-schema';
import {
  createDatabase,
  openDoor,
  type Random,
  randomFrom,
  runBeside,
  seed,
  startOwnPostgres,
  waitFor,
} from '@catalogue/testing';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { addGeneration, project, startQueryApi, type Step, switchTo } from '../test/fixture.ts';

const ids = Array.from({ length: 12 }, randomFrom('ids').uuid);

/** The guarantee of the stream: between two resets, each product’s versions arrive without a gap or a repeat. */
class StreamOracle {
  readonly #versions = new Map<string, number>();
  readonly faults: string[] = [];
  seen = 0;
  resets = 0;

  take(event: string, { id, version }: { id: string; version: number }): void {
    if (event === 'reset') {
      this.resets += 1;
      this.#versions.clear();
      return;
    }
    this.seen += 1;
    const before = this.#versions.get(id);
    if (before !== undefined && version !== before + 1) this.faults.push(`${id}: ${version} after ${before}`);
    this.#versions.set(id, version);
  }
}

/** Follows the stream as an EventSource does. The connection breaks again and again; only whole blocks count. */
async function follow(url: string, oracle: StreamOracle, random: Random, over: AbortSignal): Promise<void> {
  let lastId: string | undefined;
  while (!over.aborted) {
    await new Promise<void>((resolve) => {
      let left = random.int(200, 20_000);
      let text = '';
      const headers = lastId === undefined ? {} : { 'last-event-id': lastId };
      const request = httpRequest(`${url}/products/stream`, { headers, agent: false, signal: over });
      request.on('error', () => resolve()).on('close', resolve);
      request.on('response', (response: IncomingMessage) => {
        if (response.statusCode !== 200) request.destroy();
        response.setEncoding('latin1').on('data', (piece: string) => {
          text += piece.slice(0, left);
          left -= piece.length;
          const blocks = text.split('\n\n');
          text = blocks.pop() ?? '';
          for (const block of blocks) {
            const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
            lastId = field('id') ?? lastId;
            const data = field('data');
            if (data !== undefined) oracle.take(field('event') ?? '', JSON.parse(data) as Product);
          }
          if (left <= 0) request.destroy();
        });
      });
      request.end();
    });
    await delay(random.int(0, 40));
  }
}

test(`through switches, failovers and restores, no token gets a stale answer and no stream has an unannounced gap (seed ${seed})`, async () => {
  await using server = await startOwnPostgres();
  await using db = await createDatabase(server.dsn('postgres'), migrateReadModel);
  const dsn = new URL(db.dsn);
  const database = dsn.pathname.slice(1);
  await using door = await openDoor(Number(dsn.port));
  dsn.host = door.address;
  await using api = await startQueryApi(dsn.href);
  await api.ready();
  const faults: string[] = [];
  /** The committed versions, as a client knows them. Versions that a failover loses stay. */
  const tokens = new Map<string, number>();
  const answers = { proven: 0, refused: 0 };
  let generations = [1];
  let isWriting = true;
  let writes = 0;
  let underWay: Promise<unknown> = Promise.resolve();

  const choice = randomFrom('writing');
  const write = async (sql = db.sql) => {
    const rows = await sql<{ id: string; version: number }[]>`
      select id, version from products where generation = (select generation from generations where state = 'serving')`;
    const known = new Map(rows.map(({ id, version }) => [id, version]));
    const steps: Step[] = Array.from({ length: choice.int(1, 5) }, () => {
      const id = choice.of(ids);
      const version = (known.get(id) ?? 0) + 1;
      known.set(id, version);
      return { id, version, name: `Mouse ${'x'.repeat(choice.int(0, 100))}`, price: choice.int(0, 100) };
    });
    for (const generation of generations) await project(sql, steps, generation);
    for (const { id, version } of steps) tokens.set(id, Math.max(version, tokens.get(id) ?? 0));
    writes += 1;
  };
  const writing = async (over: AbortSignal) => {
    while (!over.aborted) {
      if (isWriting) await (underWay = write());
      await delay(choice.int(0, 8));
    }
  };
  const reading = async (over: AbortSignal, random: Random) => {
    while (!over.aborted) {
      const id = random.of(ids);
      const version = tokens.get(id) ?? 0;
      if (version === 0) await delay(10);
      if (version === 0) continue;
      const path = random.of([
        `/products/${id}`,
        '/products?limit=20',
        '/products?q=mouse&limit=20',
        '/products?sort=-price',
      ]);
      const headers = { 'consistency-token': encodeToken({ id, version }), prefer: `wait=${random.int(0, 2)}` };
      const response = await fetch(api.url + path, { headers });
      const body = (await response.json()) as Product | Product[];
      if (response.status === 503) answers.refused += 1;
      if (response.status === 503) continue;
      const shown = [body].flat().find((product) => product.id === id)?.version ?? 0;
      if (response.status !== 200 || shown < version)
        faults.push(`${path} ${response.status}: ${shown}, expected ${version}`);
      answers.proven += 1;
    }
  };
  const pauseWriting = async () => {
    isWriting = false;
    await underWay;
  };
  const fate = randomFrom('disturbances');
  const disturbances = {
    freeze: async () => {
      door.freeze();
      await delay(fate.int(0, 1_500));
      await door.shut();
      door.thaw();
      await door.open();
    },
    cut: async () => {
      await door.shut();
      await delay(fate.int(0, 300));
      await door.open();
    },
    prune: async () =>
      void (await db.sql`delete from changes where seq < (select max(last) from change_counters) - ${fate.int(0, 60)}`),
    rebuild: async () => {
      await pauseWriting();
      const next = Math.max(...generations) + 1;
      await addGeneration(db.sql, next);
      await db.sql`
        insert into products (generation, id, name, price, version, created_at, updated_at)
        select ${next}, id, name, price, version, created_at, updated_at from products where generation = ${next - 1}`;
      generations = [next - 1, next];
      isWriting = true;
      await delay(fate.int(0, 200));
      await pauseWriting();
      for (const generation of [next, next - 1, next].slice(0, fate.int(1, 4))) {
        await switchTo(db.sql, generation);
        await delay(fate.int(0, 100));
      }
      await switchTo(db.sql, next);
      generations = [next];
      isWriting = true;
    },
  };

  const oracles = [new StreamOracle(), new StreamOracle(), new StreamOracle()];
  await using beside = runBeside([
    writing,
    ...[1, 2, 3].map((n) => (over: AbortSignal) => reading(over, randomFrom(`reader ${n}`))),
    ...oracles.map((oracle, n) => (over: AbortSignal) => follow(api.url, oracle, randomFrom(`stream ${n}`), over)),
  ]);
  const goingOn = async (when: string) => {
    const { proven } = answers;
    const seen = oracles.map((oracle) => oracle.seen);
    const isGoingOn = () =>
      answers.proven > proven + 20 && oracles.every(({ seen: now }, i) => now > (seen[i] ?? 0) + 20);
    await waitFor(`answers and changes ${when}`, () => beside.over.aborted || isGoingOn(), { within: 60_000 });
  };
  await beside.during(async () => {
    await goingOn('in the beginning');
    // Every kind twice, and some of them more often.
    const kinds = Object.values(disturbances);
    for (const disturb of fate.shuffle([...kinds, ...kinds, fate.of(kinds), fate.of(kinds)])) {
      await delay(fate.int(0, 400));
      if (!beside.over.aborted) await disturb();
    }
    // A failover loses writes whose tokens clients hold, and reuses their numbers for other changes.
    const standby = await server.startStandby();
    await standby.cutOff();
    const kept = writes;
    await waitFor('writes to be lost', () => beside.over.aborted || writes > kept + 20);
    await pauseWriting();
    await standby.promote();
    const promoted = connect(standby.dsn(database), { name: 'test', max: 1 });
    await write(promoted);
    await promoted.end({ timeout: 5 });
    await server.replaceBy(standby);
    isWriting = true;
    await goingOn('after the failover');
  });
  await beside.end();
  expect([...faults, ...oracles.flatMap((oracle) => oracle.faults)]).toEqual([]);
  expect(answers.refused).toBeGreaterThan(0);
  for (const { resets } of oracles) expect(resets).toBeGreaterThan(0);
}, 300_000);
