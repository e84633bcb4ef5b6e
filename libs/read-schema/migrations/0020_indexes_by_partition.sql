-- Written by hand: each partition has its indexes from here on, and the partitioned tables have none but their primary keys. A
-- generation that is being filled gets them when it has caught up (src/reader-indexes.ts), which takes half of the time. A partition
-- keeps its indexes when it is detached.
-- No generation comes or goes meanwhile.
lock table generations in share row exclusive mode;
--> statement-breakpoint
lock table products, product_names in access exclusive mode;
--> statement-breakpoint
-- "products_g1_by_name", however it was called.
select format('alter index %s rename to %I', child.inhrelid::regclass,
  partition.relname || substr(parent.relname, length(whole.relname) + 1)) as statement
from pg_class whole
join pg_index whole_index on whole_index.indrelid = whole.oid and not whole_index.indisprimary
join pg_class parent on parent.oid = whole_index.indexrelid
join pg_inherits child on child.inhparent = parent.oid
join pg_index own on own.indexrelid = child.inhrelid
join pg_class partition on partition.oid = own.indrelid
where whole.oid in ('products'::regclass, 'product_names'::regclass);
--> statement-breakpoint
create temporary table attached on commit drop as
  select inhparent::regclass::text as parent, inhrelid::regclass::text as partition,
    substring(relname from '\d+$') as generation
  from pg_inherits join pg_class on pg_class.oid = inhrelid
  where inhparent in ('products'::regclass, 'product_names'::regclass);
--> statement-breakpoint
select format('alter table %s detach partition %s', parent, partition) as statement from attached;
--> statement-breakpoint
drop index products_by_name, products_by_price, products_by_updated_at, product_names_by_trigrams, product_names_by_grams;
--> statement-breakpoint
select format('alter table %s attach partition %s for values in (%s)', parent, partition, generation) as statement
from attached;
--> statement-breakpoint
select format('alter table %s drop constraint if exists of_generation', partition) as statement from attached;
