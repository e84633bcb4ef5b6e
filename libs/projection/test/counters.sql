-- What a service adds to libs/projection-schema/first-migration.sql in its first migration.
create table counters (
  generation integer not null,
  id text collate "C" not null,
  version integer not null default 0,
  event_id text,
  parked boolean not null default false,
  events integer not null,
  primary key (generation, id)
) partition by list (generation);
create table counters_g1 partition of counters for values in (1);
create view counters_shown as select id, version, events from counters where generation = 1;
