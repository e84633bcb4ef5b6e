-- Written by drizzle-kit from src/tables/schema.ts; by hand: partitions, collations, checks, views, the first generation.
create table priced_products (
  generation integer not null,
  id text collate "C" not null,
  version integer not null default 0,
  event_id text,
  parked boolean not null default false,
  complete_from timestamp(3) with time zone,
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
create index reductions_by_size on reductions using btree (generation, market, permille, product) where listed;
--> statement-breakpoint
create index reductions_by_end on reductions using btree (generation, ends_at) where listed;
--> statement-breakpoint
create table applied_rules (
  generation integer primary key not null,
  markets jsonb not null
);
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
