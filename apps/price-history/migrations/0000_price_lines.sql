-- Written by drizzle-kit from src/tables/schema.ts and libs/projection-schema; by hand: partitions, collations, checks, views,
-- the first generation.
create table generations (
  generation integer primary key not null,
  state text not null check (state in ('filling', 'serving', 'retired', 'dropped')),
  created_at timestamp(6) with time zone default now() not null
);
--> statement-breakpoint
create unique index generations_one_serving on generations using btree (state) where state = 'serving';
--> statement-breakpoint
create unique index generations_one_filling on generations using btree (state) where state = 'filling';
--> statement-breakpoint
insert into generations values (1, 'serving');
--> statement-breakpoint
create table consumer_offsets (
  generation integer not null,
  topic text not null,
  partition integer not null,
  topic_id text not null,
  next bigint not null check (next >= 0),
  attempts integer not null default 0,
  unreadable integer not null default 0,
  primary key (generation, topic, partition)
);
--> statement-breakpoint
create table parked_events (
  generation integer not null,
  topic text not null,
  partition integer not null,
  "offset" bigint not null,
  product_id text collate "C" not null,
  version integer,
  event_id text,
  type text,
  reason text not null check (reason in ('unreadable', 'newer-schema', 'gap', 'fork', 'crash', 'queued')),
  detail text not null,
  message bytea,
  traceparent text,
  draining boolean default false not null,
  parked_at timestamp(6) with time zone default now() not null,
  primary key (generation, topic, partition, "offset")
);
--> statement-breakpoint
create index parked_events_by_product on parked_events using btree (generation, product_id, version);
--> statement-breakpoint
create index parked_events_draining on parked_events using btree (generation, product_id) where draining;
--> statement-breakpoint
create table discards (
  product_id text collate "C" not null,
  version integer not null,
  event_id text default '' not null,
  detail text not null,
  discarded_at timestamp(6) with time zone default now() not null,
  primary key (product_id, version, event_id)
);
--> statement-breakpoint
create table priced_products (
  generation integer not null,
  id text collate "C" not null,
  version integer not null default 0,
  event_id text,
  parked boolean not null default false,
  complete_from timestamp(3) with time zone default '0001-01-01T00:00:00Z',
  settled jsonb,
  last_change jsonb,
  legacy jsonb,
  constraint priced_products_generation_id_pk primary key (generation, id)
) partition by list (generation);
--> statement-breakpoint
-- Room on each page, so that a row is updated without touching the index: no indexed column changes.
create table priced_products_g1 partition of priced_products for values in (1) with (fillfactor = 85);
--> statement-breakpoint
create table price_line (
  generation integer not null,
  product text collate "C" not null,
  valid_from timestamp(3) with time zone not null,
  valid_to timestamp(3) with time zone check (valid_to > valid_from),
  cents bigint not null,
  version integer not null,
  event_id text not null,
  constraint price_line_generation_product_valid_from_pk primary key (generation, product, valid_from)
) partition by list (generation);
--> statement-breakpoint
create table price_line_g1 partition of price_line for values in (1);
--> statement-breakpoint
create unique index price_line_one_open on price_line using btree (generation, product) where valid_to is null;
--> statement-breakpoint
create table reductions (
  generation integer not null,
  product text collate "C" not null,
  market text collate "C" not null,
  applied_at timestamp(3) with time zone not null,
  ends_at timestamp(3) with time zone not null check (ends_at > applied_at),
  listed boolean not null,
  cents bigint not null check (cents < prior_cents),
  prior_cents bigint not null,
  permille integer not null,
  window_from timestamp(3) with time zone not null,
  window_to timestamp(3) with time zone not null check (window_from < window_to and window_to <= applied_at),
  observed_days integer not null,
  basis_from timestamp(3) with time zone not null,
  constraint reductions_generation_product_market_applied_at_pk primary key (generation, product, market, applied_at)
) partition by list (generation);
--> statement-breakpoint
create table reductions_g1 partition of reductions for values in (1);
--> statement-breakpoint
create index reductions_by_size on reductions using btree (generation, market, permille, product, ends_at) where listed;
--> statement-breakpoint
create index reductions_by_end on reductions using btree (generation, ends_at) where listed;
--> statement-breakpoint
create table applied_rules (
  generation integer primary key not null,
  markets json not null,
  has_history boolean not null
);
--> statement-breakpoint
create table loaded_prices (
  product text collate "C" not null,
  valid_from timestamp(3) with time zone not null,
  valid_to timestamp(3) with time zone check (valid_to > valid_from),
  cents bigint not null,
  source text not null,
  loaded_at timestamp(6) with time zone default now() not null,
  constraint loaded_prices_product_valid_from_pk primary key (product, valid_from)
);
--> statement-breakpoint
create table changes (
  generation integer not null,
  seq bigint not null,
  product_id text collate "C" not null,
  version integer not null,
  at timestamp(6) with time zone default now() not null,
  mark bigint default (random() * 9007199254740990)::bigint + 1,
  constraint changes_generation_seq_pk primary key (generation, seq)
) partition by list (generation);
--> statement-breakpoint
create table changes_g1 partition of changes for values in (1);
--> statement-breakpoint
-- One row a generation, updated with every batch: room for its versions on the one page, and vacuumed early.
create table change_counters (
  generation integer primary key not null,
  last bigint default 0 not null,
  mark bigint default (random() * 9007199254740990)::bigint + 1
) with (fillfactor = 10, autovacuum_vacuum_threshold = 1000);
--> statement-breakpoint
insert into change_counters (generation) values (1);
--> statement-breakpoint
-- The views for readers, in one place, for migrations and for whoever switches generations. The generation is written into
-- them, so that a query is planned for its one partition. A migration that changes a view replaces this function and ends with
-- a call of it for the generation that serves.
create function show_generation(shown integer) returns void language plpgsql as $function$
begin
  execute format('create or replace view priced_products_read as
    select id, version, event_id, parked, complete_from, settled, last_change, legacy
    from priced_products
    where generation = %s', shown);
  execute format('create or replace view price_line_read as
    select product, valid_from, valid_to, cents, version, event_id
    from price_line
    where generation = %s', shown);
  execute format('create or replace view reductions_read as
    select product, market, applied_at, ends_at, listed, cents, prior_cents, permille, window_from, window_to, observed_days,
      basis_from
    from reductions
    where generation = %s', shown);
end
$function$;
--> statement-breakpoint
select show_generation(1);
