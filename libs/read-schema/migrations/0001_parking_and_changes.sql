-- Written by drizzle-kit from src/tables.ts; by hand: partitions, collations, checks, storage, the first generation's rows.
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
  parked_at timestamp(6) with time zone default now() not null,
  constraint parked_events_generation_topic_partition_offset_pk primary key (generation, topic, partition, "offset")
);
--> statement-breakpoint
create index parked_events_by_product on parked_events using btree (generation, product_id, version);
--> statement-breakpoint
alter table products add column parked boolean default false not null;
--> statement-breakpoint
create table discards (
  product_id text collate "C" not null,
  version integer not null,
  event_id text default '' not null,
  detail text not null,
  discarded_at timestamp(6) with time zone default now() not null,
  constraint discards_product_id_version_event_id_pk primary key (product_id, version, event_id)
);
--> statement-breakpoint
create table changes (
  generation integer not null,
  seq bigint not null,
  product_id text collate "C" not null,
  version integer not null,
  kind text not null check (kind in ('created', 'updated', 'discontinued', 'none')),
  name text,
  price numeric,
  created_at timestamp(6) with time zone,
  updated_at timestamp(6) with time zone,
  at timestamp(6) with time zone default now() not null,
  constraint changes_generation_seq_pk primary key (generation, seq)
) partition by list (generation);
--> statement-breakpoint
create table changes_g1 partition of changes for values in (1);
--> statement-breakpoint
-- One row a generation, updated with every batch: room for its versions on the one page, and vacuumed early.
create table change_counters (
  generation integer primary key not null,
  last bigint default 0 not null
) with (fillfactor = 10, autovacuum_vacuum_threshold = 1000);
--> statement-breakpoint
insert into change_counters values (1, 0);
--> statement-breakpoint
alter table generations add column created_at timestamp(6) with time zone default now() not null;
