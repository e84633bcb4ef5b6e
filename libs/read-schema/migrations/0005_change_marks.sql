-- Written by drizzle-kit from src/tables.ts; by hand: the changes that are there stay without a mark, since giving them one
-- would write the table anew under a lock that holds up readers and workers.
alter table change_counters add column mark bigint default (random() * 9007199254740990)::bigint + 1;
--> statement-breakpoint
alter table changes add column mark bigint;
--> statement-breakpoint
alter table changes alter column mark set default (random() * 9007199254740990)::bigint + 1;
