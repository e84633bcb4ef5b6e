-- Answers given to commands that carried an Idempotency-Key: in the transaction of their events, for at least 24 hours.
create table idempotency_keys (
  subject text not null,
  key text not null,
  -- Of the request: the same key with another one is a mistake of the client.
  fingerprint uuid not null,
  stream uuid not null,
  version integer not null,
  created_at timestamptz not null default now(),
  primary key (subject, key)
);
--> statement-breakpoint
create index idempotency_keys_by_age on idempotency_keys (created_at);
--> statement-breakpoint
-- What a stream's events made of it up to a version, so that a long history is not read again and again. Written behind,
-- and believed only where the event that it names is the stream's event of that version.
create table snapshots (
  stream uuid primary key,
  version integer not null,
  event_id uuid not null,
  schema_version integer not null,
  state jsonb not null
);
--> statement-breakpoint
-- The server whose transaction ids are in the log. Restored into another, whose ids start again, the log has to be
-- adopted before anything is written or read forward.
create table log_origin (
  singleton boolean primary key default true check (singleton),
  system_identifier bigint not null
);
--> statement-breakpoint
insert into log_origin (system_identifier) select system_identifier from pg_control_system();
