-- No transaction: readers and workers go on. The primary key includes the price, so that a search in a range of prices looks up
-- no row of the table. A new price writes an entry of the primary key in any case.
set lock_timeout = 0;
--> statement-breakpoint
-- Waits for transactions that run meanwhile, and nobody waits for it. An index whose build was interrupted is dropped first.
select step as statement
from pg_inherits child
join pg_class partition on partition.oid = child.inhrelid
join pg_index key on key.indrelid = partition.oid and key.indisprimary and key.indnatts = key.indnkeyatts
cross join lateral format('%s_with_price', partition.relname) name
left join pg_index built on built.indexrelid = to_regclass(quote_ident(name))
cross join lateral (values
  (1, format('drop index concurrently %I', name)),
  (2, format('create unique index concurrently %I on %s (generation, id) include (price, listed)', name, partition.oid::regclass))
) as steps (place, step)
where child.inhparent = 'products'::regclass
  and built.indisvalid is not true and (place = 2 or built.indexrelid is not null)
order by partition.relname, place;
--> statement-breakpoint
reset lock_timeout;
--> statement-breakpoint
-- One statement, so that all of it happens or nothing. A generation that was begun since the builds has few products; its primary
-- key is built here.
do $do$
declare
  parent constant name := conname from pg_constraint where conrelid = 'products'::regclass and contype = 'p';
  partition record;
begin
  if (select indnatts > indnkeyatts from pg_index where indexrelid = parent::regclass) then
    return;
  end if;
  -- No generation comes or goes meanwhile.
  lock table generations in share row exclusive mode;
  lock table products in access exclusive mode;
  execute format('alter table products drop constraint %I', parent);
  for partition in
    select child.inhrelid::regclass as named, relname, to_regclass(quote_ident(relname || '_with_price')) as built
    from pg_inherits child join pg_class on pg_class.oid = child.inhrelid
    where child.inhparent = 'products'::regclass
  loop
    if partition.built is not null then
      execute format('alter table %s add constraint %I primary key using index %I', partition.named, partition.relname || '_pkey',
        partition.relname || '_with_price');
    end if;
  end loop;
  execute format('alter table products add constraint %I primary key (generation, id) include (price, listed)', parent);
end
$do$;
