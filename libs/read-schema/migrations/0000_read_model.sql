-- Written by drizzle-kit from src/tables.ts; by hand: partitions, collations, checks, the view, the first generation.
create table products (
  generation integer not null,
  id text collate "C" not null,
  name text collate "und-x-icu",
  price numeric,
  version integer not null default 0,
  created_at timestamp(6) with time zone,
  updated_at timestamp(6) with time zone,
  discontinued boolean not null default false,
  event_id text,
  name_stamp text collate "C",
  price_stamp text collate "C",
  listed boolean generated always as (not discontinued and created_at is not null and name is not null and price is not null) stored not null,
  constraint products_generation_id_pk primary key (generation, id)
) partition by list (generation);
--> statement-breakpoint
-- Room on each page, so that a row whose name did not change is updated without touching an index.
create table products_g1 partition of products for values in (1) with (fillfactor = 85);
--> statement-breakpoint
create index products_by_name on products using btree (name, id) where listed;
--> statement-breakpoint
create table generations (
  generation integer primary key not null,
  state text not null check (state in ('filling', 'serving', 'retired'))
);
--> statement-breakpoint
create unique index generations_one_serving on generations using btree (state) where state = 'serving';
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
  constraint consumer_offsets_generation_topic_partition_pk primary key (generation, topic, partition)
);
--> statement-breakpoint
-- The generation is written into the view, so that a query is planned for its one partition; a switch replaces the view.
create view products_read as
  select id, name, price, version, created_at, updated_at
  from products
  where generation = 1 and listed;
