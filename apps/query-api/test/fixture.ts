import type { AddressInfo, Socket } from 'node:net';
import { errorCode, type Sql } from '@catalogue/postgres';
import { createLogger, createMetrics } from '@catalogue/service';
import { waitFor } from '@catalogue/testing';
import { buildApp } from '../src/app.ts';
import { openPools } from '../src/pools.ts';

export interface StartOptions {
  /** Another database for the pool of lists: during a failover, one service can have connections to two servers. */
  listingDsn?: string;
  /** False: the service reads the change log only for requests. */
  followsChanges?: boolean;
}

/** Starts a query-api that listens and follows the changes, until it is disposed of. */
export async function startQueryApi(dsn: string, { listingDsn = dsn, followsChanges = true }: StartOptions = {}) {
  const stop = new AbortController();
  const { readModel: pool, listing: ownListing } = openPools(dsn);
  const listing = listingDsn === dsn ? ownListing : openPools(listingDsn).listing;
  const sent: string[] = [];
  const counting = (sql: Sql) =>
    new Proxy(sql, {
      apply: (target, self, args: [TemplateStringsArray | string]): unknown => {
        // Ignores parts of statements: they are not templates, or begin with another word.
        const text = typeof args[0] === 'string' ? '' : args[0].join('?').trim();
        if (/^(select|with)/.test(text)) sent.push(text);
        return Reflect.apply(target as unknown as () => unknown, self, args) as unknown;
      },
    });
  const readModel = counting(pool);
  const metrics = createMetrics('test');
  const log = createLogger('test', 'silent');
  const { app, streams, feed, work } = await buildApp({
    readModel,
    listing: counting(listing),
    log,
    metrics,
    corsOrigins: [],
    commandApiUrl: 'http://localhost:8080',
  });
  const working = followsChanges ? work(stop.signal) : Promise.resolve();
  const sockets = new Set<Socket>();
  app.server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  const metric = async (name: string) => {
    const line = (await metrics.metrics()).split('\n').find((text) => text.startsWith(name));
    return Number(line?.split(' ').at(-1));
  };
  return {
    app,
    streams,
    url: `http://127.0.0.1:${port}`,
    metric,
    ready: () => waitFor('query-api to be ready', async () => (await app.inject('/health/ready')).statusCode === 200),
    /** The last change that the service has read. */
    position: () => feed.position?.seq,
    /** Bytes buffered for its clients, without the system’s own buffers. */
    buffered: () => [...sockets].reduce((sum, socket) => sum + socket.writableLength, 0),
    /** The number of connected clients. */
    connections: () => sockets.size,
    /** How many statements the service has sent. */
    statements: () => sent.length,
    /** How many statements contain a text. */
    statementsWith: (text: string) => sent.filter((statement) => statement.includes(text)).length,
    /** Resolves when this many requests wait for a write. */
    waiting: (count: number) => waitFor(`${count} to wait`, async () => (await metric('token_waiters')) === count),
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await app.close();
      await working;
      await Promise.all([pool.end({ timeout: 1 }), listing.end({ timeout: 1 })]);
    },
  };
}

export interface Step {
  id: string;
  version: number;
  kind?: 'created' | 'updated' | 'discontinued' | 'none';
  name?: string;
  price?: number;
  parked?: boolean;
}

/** Writes products and their changes as query-worker does: in one transaction, the change log last. */
export async function project(sql: Sql, steps: readonly Step[], generation = 1): Promise<void> {
  const rows = steps.map((step) => ({
    name: 'Mouse',
    price: 1,
    parked: false,
    kind: step.version === 1 ? 'created' : 'updated',
    ...step,
  }));
  await sql.begin(async (tx) => {
    const pricesBefore: (string | null)[] = [];
    for (const { id, name, price, version, kind, parked } of rows) {
      // A product of kind `none` was never created.
      const createdAt = kind === 'none' ? null : '2026-11-23T10:00:00Z';
      const [before] = await tx<{ price: string }[]>`
        select price from products where generation = ${generation} and id = ${id} and listed`;
      pricesBefore.push(before?.price ?? null);
      await tx`
        insert into products (generation, id, name, price, version, created_at, updated_at, discontinued, parked)
        values (${generation}, ${id}, ${name}, ${price}, ${version}, ${createdAt}, now(), ${kind === 'discontinued'}, ${parked})
        on conflict (generation, id) do update set name = excluded.name, price = excluded.price, version = excluded.version,
          updated_at = excluded.updated_at, discontinued = excluded.discontinued, parked = excluded.parked`;
    }
    await tx`
      insert into words select distinct word
      from unnest(${rows.map(({ name }) => name)}::text[]) name, regexp_split_to_table(btrim(fold_name(name)), ' ') word
      where word ~ '^[^0-9]{3,40}$' on conflict do nothing`;
    const [counter] = await tx<{ last: number }[]>`
      update change_counters set last = last + ${rows.length} where generation = ${generation} returning last`;
    let seq = (counter?.last ?? 0) - rows.length;
    for (const [i, { id, name, price, version, kind }] of rows.entries()) {
      seq += 1;
      await tx`
        insert into changes (generation, seq, product_id, version, kind, name, price, price_before, created_at, updated_at)
        select ${generation}, ${seq}, ${id}, ${version}, ${kind}, ${name}, ${price}, ${pricesBefore[i] ?? null}, created_at, updated_at
        from products where generation = ${generation} and id = ${id}`;
    }
  });
}

/** Adds this many changes at once, each of another product. Returns the number of the last one. */
export async function addChanges(sql: Sql, count: number, name = 'Mouse'): Promise<number> {
  const [row] = await sql.begin(async (tx) => {
    const [counter] = await tx<{ last: number }[]>`
      update change_counters set last = last + ${count} where generation = 1 returning last`;
    await tx`
      insert into changes (generation, seq, product_id, version, kind, name, price, created_at, updated_at)
      select 1, ${(counter?.last ?? 0) - count} + n, 'bulk ' || n, 1, 'created', ${name}, 1, now(), now()
      from generate_series(1, ${count}) n`;
    return [counter];
  });
  return row?.last ?? 0;
}

/** Locks a table against readers until it is released. */
export async function lockTable(sql: Sql, table: string) {
  const session = await sql.reserve();
  await session`begin`;
  await session`lock table ${session(table)} in access exclusive mode`;
  let isHeld = true;
  const end = async (how: 'commit' | 'rollback') => {
    if (!isHeld) return;
    isHeld = false;
    await session.unsafe(how);
    session.release();
  };
  const release = () => end('rollback');
  /** How many statements wait for a lock. */
  const waiting = async () => {
    const [row] = await sql<{ count: number }[]>`
      select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    return row?.count ?? 0;
  };
  return { holder: session, waiting, commit: () => end('commit'), release, [Symbol.asyncDispose]: release };
}

/** Makes an empty generation beside the others. Attaches its partitions as query-worker does, without locking readers out. */
export async function addGeneration(sql: Sql, generation: number): Promise<void> {
  const partitions = ['products', 'changes'].map(
    (table) => `
      create table ${table}_g${generation} (like ${table} including all);
      alter table ${table} attach partition ${table}_g${generation} for values in (${generation});`,
  );
  await sql.unsafe(`
    ${partitions.join('')}
    insert into change_counters values (${generation}, 0);
    insert into generations values (${generation}, 'filling')`);
}

/**
 * Makes a generation serve. As query-worker does, it waits only briefly for its locks and tries again: it locks several views,
 * and readers lock the same ones in other orders.
 */
export async function switchTo(sql: Sql, generation: number): Promise<void> {
  await waitFor(`generation ${generation} to serve`, () =>
    sql
      .begin(async (tx) => {
        await tx`set local lock_timeout = '200ms'`;
        await tx`update generations set state = 'retired' where state = 'serving'`;
        await tx`update generations set state = 'serving' where generation = ${generation}`;
        await tx`select show_generation(${generation})`;
        return true;
      })
      .catch((error: unknown) => {
        if (['55P03', '40P01'].includes(errorCode(error) ?? '')) return false;
        throw error;
      }),
  );
}
