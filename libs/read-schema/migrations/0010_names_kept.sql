-- Written by hand: from here on workers of every release write names, too; 0011 copies those of the products that are there.
-- For all rows of a statement at once: one by one they cost 20 µs each more.
create function name_new_products() returns trigger language plpgsql as $function$
begin
  insert into product_names (generation, id, folded, grams)
    select generation, id, name_words(spelt), name_grams(spelt) from added, spell_name(name) spelt
    -- As `listed`, which is not computed yet where a partition's columns lie otherwise than those of the table.
    where not discontinued and created_at is not null and name is not null and price is not null
    on conflict (id, generation) do update set folded = excluded.folded, grams = excluded.grams;
  return null;
end
$function$;
--> statement-breakpoint
create function name_changed_product() returns trigger language plpgsql as $function$
begin
  if new.listed then
    insert into product_names (generation, id, folded, grams)
      select new.generation, new.id, name_words(spelt), name_grams(spelt) from spell_name(new.name) spelt
      on conflict (id, generation) do update set folded = excluded.folded, grams = excluded.grams;
  else
    delete from product_names where generation = new.generation and id = new.id;
  end if;
  return null;
end
$function$;
--> statement-breakpoint
create trigger products_name_new after insert on products
  referencing new table as added for each statement execute function name_new_products();
--> statement-breakpoint
create trigger products_name_changed after update on products
  for each row when (old.listed is distinct from new.listed or new.listed and old.name is distinct from new.name)
  execute function name_changed_product();
--> statement-breakpoint
-- With the generation, so that a search in a range of prices reads nothing but the index. On the table only, as in 0009.
create index products_by_price_and_generation on only products using btree (price, id) include (generation) where listed;
--> statement-breakpoint
-- The statements that build an index, made on a partitioned table only, on each partition that lacks it. To be run outside a
-- transaction. An index whose build was interrupted is dropped first.
create function partition_index_builds(parent regclass) returns setof text language sql stable as $function$
  select step
  from pg_inherits child
  join pg_class partition on partition.oid = child.inhrelid
  cross join lateral format('%s_%s', partition.relname, parent) name
  left join pg_index built on built.indexrelid = to_regclass(quote_ident(name))
  cross join lateral (values
    (1, format('drop index concurrently %I', name)),
    (2, format('create index concurrently %I on %s %s', name, child.inhrelid::regclass,
      substring(pg_get_indexdef(parent) from 'USING .*')))
  ) as steps (place, step)
  where child.inhparent = (select indrelid from pg_index where indexrelid = parent)
    and not exists (
      select from pg_index attached join pg_inherits up on up.inhrelid = attached.indexrelid and up.inhparent = parent
      where attached.indrelid = child.inhrelid
    )
    and built.indisvalid is not true and (place = 2 or built.indexrelid is not null)
  order by partition.relname, place
$function$;
--> statement-breakpoint
-- The statements that attach what those of `partition_index_builds` built; to be run in a short transaction.
create function partition_index_attachments(parent regclass) returns setof text language sql stable as $function$
  select format('alter index %s attach partition %s', parent, built.indexrelid::regclass)
  from pg_inherits child
  join pg_class partition on partition.oid = child.inhrelid
  join pg_index built on built.indexrelid = to_regclass(quote_ident(format('%s_%s', partition.relname, parent)))
  where child.inhparent = (select indrelid from pg_index where indexrelid = parent)
    and not exists (select from pg_inherits up where up.inhrelid = built.indexrelid)
  order by partition.relname
$function$;
