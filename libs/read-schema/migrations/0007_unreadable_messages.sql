-- Written by drizzle-kit from src/tables.ts.
alter table consumer_offsets add column unreadable integer default 0 not null;
