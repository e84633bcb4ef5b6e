import { connect, type Sql, type Transaction } from '@catalogue/postgres';

/**
 * Statements of the release in use (f47a678), as its services send them. Whoever waits for a lock longer than a second fails:
 * no migration may lock that release out for longer.
 */
export class ReleaseInUse implements AsyncDisposable {
  readonly #sql: Sql;
  readonly #stop = new AbortController();
  readonly #loops: Promise<void>[] = [];
  reads = 0;
  writes = 0;

  constructor(dsn: string) {
    this.#sql = connect(dsn, { name: 'release in use', max: 4, lockTimeoutMs: 1_000 });
  }

  /** Reads and writes without a pause, until it is stopped or a statement fails. */
  start(): void {
    this.#loop(async () => {
      await this.#read();
      this.reads += 1;
    });
    for (const partition of [0, 1]) {
      this.#loop(async (round) => {
        await this.#sql.begin((tx) => writeBatch(tx, partition, round));
        this.writes += 1;
      });
    }
  }

  /** A statement failed: `stop` throws what it failed with. */
  get hasFailed(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Resolves when all have ended. @throws what one of their statements failed with. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#loops);
  }

  #loop(step: (round: number) => Promise<void>): void {
    const run = async () => {
      for (let round = 0; !this.#stop.signal.aborted; round++) await step(round);
    };
    const running = run();
    running.catch(() => this.#stop.abort());
    this.#loops.push(running);
  }

  /** A page, a product, its status, the change log, and a search that finds one product before, during and after. */
  async #read(): Promise<void> {
    const sql = this.#sql;
    const columns = sql`id, name, price, version, created_at as "createdAt", updated_at as "updatedAt"`;
    await sql`select ${columns}, name::text as key from products_read where true order by name, id limit 101`;
    await sql`select ${columns} from products_read where id = any(${['1', '2']}::text[])`;
    await sql`
      select id, version, parked from products
      where generation = (select generation from generations where state = 'serving') and id = any(${['3']}::text[])`;
    await sql`select * from changes where generation = 1 and seq >= 10 order by seq limit 100`;
    const found = await sql`
      select id from products_read where folded like '%' || btrim(fold_name('Dalmatiner ΟΔΟΣ')) || '%' order by id limit 500`;
    if (found.length !== 1) throw new Error(`A search found ${found.length} products instead of one`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled(this.#loops);
    await this.#sql.end({ timeout: 5 });
  }
}

/** A batch of query-worker: new products, new prices, new names, products that are discontinued, words, a parked event. */
async function writeBatch(tx: Transaction, partition: number, round: number): Promise<void> {
  await tx`
    update consumer_offsets set next = next + 1, attempts = 0 where generation = 1 and topic = 'events' and partition = ${partition}`;
  const ids = Array.from({ length: 10 }, (_, place) => String(100 + ((round * 10 + place) * 2 + partition) * 97));
  await tx`
    insert into products (generation, id) select 1, id from unnest(${ids}::text[]) id order by id collate "C"
    on conflict do nothing`;
  await tx`
    select id, name from products where generation = 1 and id = any(${ids}::text[]) order by products.id for update`;
  await tx`select product_id, version, event_id from discards where product_id = any(${ids}::text[])`;
  await tx`
    insert into products (generation, name, id, price, version, created_at, updated_at)
    select 1, 'Neu ' || n || ' für Ωdeon', ${`new ${partition} ${round} `}::text || n, n, 1, now(), now() from generate_series(1, 5) n`;
  await tx`
    update products set name = 'Renamed Ärmel ' || ${round}::int, version = version + 1, created_at = now(), price = 1
    where generation = 1 and id = any(${ids.slice(0, 4)}::text[])`;
  await tx`update products set price = 7 where generation = 1 and id = any(${ids.slice(4, 8)}::text[])`;
  await tx`update products set discontinued = true where generation = 1 and id = any(${ids.slice(8)}::text[])`;
  await tx`
    insert into words (word)
    select distinct word from unnest(${['Neu', 'Renamed', 'Ärmel', 'für', 'Ωdeon', `οδός${letters(round)}ς`]}::text[]) name,
      regexp_split_to_table(btrim(fold_name(name)), ' ') word
    where word ~ '^[^0-9]{3,40}$'
    on conflict do nothing`;
  await tx`
    insert into parked_events (generation, topic, partition, "offset", product_id, version, event_id, type, reason, detail)
    values (1, 'events', ${partition}, ${1_000_000 + round}, ${ids[0] ?? ''}, 9, 'event', 'ProductUpdated', 'gap', 'Version 8 is missing')`;
  await tx`
    with counter as (update change_counters set last = last + 1 where generation = 1 returning last)
    insert into changes (generation, seq, product_id, version, kind) select 1, last, ${ids[0] ?? ''}, 1, 'updated' from counter`;
}

/** A word for each number. */
function letters(number: number): string {
  return number.toString(36).replaceAll(/\d/g, (digit) => 'ghijklmnop'[Number(digit)] ?? '');
}

/** What the release in use left: products (some discontinued or not created yet), parked events, changes, words. */
export async function fill(sql: Sql, products: number): Promise<void> {
  await sql`
    insert into products (generation, id, name, price, version, created_at, updated_at, discontinued)
    select 1, n::text, 'Lampe ' || md5(n::text) || case n % 7 when 0 then ' C++' when 1 then ' Übergröße' when 2 then ' 机械键盘' else '' end,
      n % 1000, 1, case when n % 50 > 0 then now() end, now(), n % 20 = 0
    from generate_series(1, ${products}::int) n`;
  await sql`
    insert into products (generation, id, name, price, version, created_at, updated_at)
    values (1, 'street', 'Dalmatiner ΟΔΟΣ', 1, 1, now(), now())`;
  await sql`
    insert into words select distinct word from products, regexp_split_to_table(btrim(folded), ' ') word
    where word ~ '^[^0-9]{3,40}$' on conflict do nothing`;
  await sql`insert into consumer_offsets (generation, topic, partition, topic_id, next)
    select 1, 'events', partition, 'a', 0 from generate_series(0, 1) partition`;
  await sql`
    insert into parked_events (generation, topic, partition, "offset", product_id, version, event_id, type, reason, detail, message)
    select 1, 'events', n % 2, n, 'parked ' || n / 3, 2, 'event ' || n, 'ProductUpdated', 'gap', 'Version 1 is missing', '{}'
    from generate_series(1, ${products / 4}::int) n`;
  await sql`
    insert into changes (generation, seq, product_id, version, kind, name, price)
    select 1, n, n::text, 1, 'created', 'Lampe', 1 from generate_series(1, ${products / 2}::int) n`;
  await sql`update change_counters set last = ${products / 2}`;
  await sql`insert into discards (product_id, version, event_id, detail)
    select 'discarded ' || n, n % 2, 'partition 0, offset ' || n, 'by an operator' from generate_series(1, 1000) n`;
}

/** What is wrong with the names, words, indexes and discards of a read model that was migrated; empty when all is right. */
export async function findFaults(sql: Sql): Promise<unknown[]> {
  const expected = sql`
    select generation, id, name_words(spell_name(name)), name_grams(spell_name(name)) from products where listed`;
  const found = sql`select generation, id, folded, grams from product_names`;
  const differing = await sql`(${expected} except ${found}) union all (${found} except ${expected}) limit 5`;
  const words = await sql`
    select distinct part.word from product_names, regexp_split_to_table(btrim(folded), ' ') part (word)
    where word ~ '^[^0-9]{3,40}$' and not exists (select from words known where known.word = part.word) limit 5`;
  const respelt = await sql`
    select word from words where word ~ 'ς' and not exists (select from words other where other.word = replace(words.word, 'ς', 'σ'))
    limit 5`;
  const indexes = await sql`select indexrelid::regclass::text from pg_index where not indisvalid`;
  const alone = await sql`
    select child.inhrelid::regclass::text as partition, parent.indexrelid::regclass::text as index
    from pg_inherits child join pg_index parent on parent.indrelid = child.inhparent
    where not exists (
      select from pg_index own join pg_inherits up on up.inhrelid = own.indexrelid
      where own.indrelid = child.inhrelid and up.inhparent = parent.indexrelid
    )`;
  const discards = await sql`
    select product_id from discards old where version = 0 and event_id not like '% of topic %' and not exists (
      select from discards new where new.product_id = old.product_id and new.event_id = old.event_id || ' of topic a'
    ) limit 5`;
  return [...differing, ...words, ...respelt, ...indexes, ...alone, ...discards];
}
