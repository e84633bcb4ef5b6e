-- No transaction. With these checks 0020 attaches partitions again without reading them. A check is validated while readers and
-- workers go on.
select format('alter table %s add constraint of_generation check (generation = %s) not valid',
  child.inhrelid::regclass, substring(partition.relname from '\d+$')) as statement
from pg_inherits child join pg_class partition on partition.oid = child.inhrelid
where child.inhparent in ('products'::regclass, 'product_names'::regclass)
  and not exists (select from pg_constraint where conrelid = child.inhrelid and conname = 'of_generation');
--> statement-breakpoint
select format('alter table %s validate constraint of_generation', conrelid::regclass) as statement
from pg_constraint where conname = 'of_generation' and not convalidated;
