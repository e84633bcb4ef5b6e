-- Written by drizzle-kit from src/tables.ts; the index comes in 0008.
alter table parked_events add column draining boolean default false not null;
