-- The log of events on promotion-events, and the outbox in one: the tables of libs/event-store that outbox-relay reads. A database has
-- one list of migrations, so that library's own cannot run here; a test compares the tables.
create table events (
  position bigint generated always as identity,
  transaction_id xid8 not null default pg_current_xact_id(),
  -- The promotion.
  stream uuid not null,
  version integer not null check (version > 0),
  id uuid not null,
  type text not null,
  schema_version integer not null,
  payload jsonb not null,
  metadata jsonb not null,
  recorded_at timestamptz not null,
  primary key (stream, version)
);
--> statement-breakpoint
create index events_in_reading_order on events (transaction_id, position);
--> statement-breakpoint
alter table events set (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
--> statement-breakpoint
create table cursors (
  reader text primary key,
  transaction_id xid8 not null,
  position bigint not null,
  moved_at timestamptz not null default now()
);
--> statement-breakpoint
create table log_origin (
  singleton boolean primary key default true check (singleton),
  system_identifier bigint not null
);
--> statement-breakpoint
insert into log_origin (system_identifier) select system_identifier from pg_control_system();
