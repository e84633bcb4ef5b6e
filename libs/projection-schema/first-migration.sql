-- The beginning of the first migration of a service with a read model: the tables of libs/projection (src/tables.ts), with
-- collations, checks and the first generation, which src/tables.ts lacks.
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
