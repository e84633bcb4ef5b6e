-- No transaction: readers and workers go on.
update product_names set covered = false where covered and not name_is_covered(id, folded, grams);
--> statement-breakpoint
-- Waits for transactions that run meanwhile, and nobody waits for it.
set lock_timeout = 0;
--> statement-breakpoint
-- An index whose build was interrupted is dropped first.
select step as statement
from pg_inherits child
join pg_class partition on partition.oid = child.inhrelid
cross join (values
  ('by_id', 'using btree (id) include (folded) where covered'),
  ('by_id_with_grams', 'using btree (id) include (folded, grams) where covered and grams is not null'),
  ('by_id_uncovered', 'using btree (id) where not covered')
) as missing (name, definition)
left join pg_index built on built.indexrelid = to_regclass(format('%I', partition.relname || '_' || missing.name))
cross join lateral (values
  (1, format('drop index concurrently %I', partition.relname || '_' || missing.name)),
  (2, format('create index concurrently %I on %s %s', partition.relname || '_' || missing.name, child.inhrelid::regclass,
    missing.definition))
) as steps (place, step)
where child.inhparent = 'product_names'::regclass
  and built.indisvalid is not true and (place = 2 or built.indexrelid is not null)
order by partition.relname, missing.name, place;
--> statement-breakpoint
-- The planner needs to know how many names are covered, and an index is read alone where all rows of a page are visible.
vacuum (analyze) product_names;
