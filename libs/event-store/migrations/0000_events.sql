-- The log of everything that happened, and the outbox in one: append-only, never updated.
create table events (
  position bigint generated always as identity,
  -- Taken when the row is written. With position it is the order in which the relay reads (see readForward).
  transaction_id xid8 not null default pg_current_xact_id(),
  stream uuid not null,
  version integer not null check (version > 0),
  id uuid not null,
  type text not null,
  schema_version integer not null,
  payload jsonb not null,
  metadata jsonb not null,
  recorded_at timestamptz not null,
  -- The optimistic concurrency check: of two writers that decided on the same version, one gets it.
  primary key (stream, version)
);
--> statement-breakpoint
create index events_in_reading_order on events (transaction_id, position);
--> statement-breakpoint
-- How far each reader that goes forward has come; the relay is the first.
create table cursors (
  reader text primary key,
  transaction_id xid8 not null,
  position bigint not null,
  moved_at timestamptz not null default now()
);
--> statement-breakpoint
-- Every row of events counts once: a full vacuum is rare, but the statistics and the visibility map must follow the inserts.
alter table events set (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
