-- Written by drizzle-kit from src/tables.ts.
alter table changes add column price_before numeric;
