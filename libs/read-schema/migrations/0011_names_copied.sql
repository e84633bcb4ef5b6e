-- No transaction: readers and workers go on. What was interrupted is done again; what is copied is not copied again.
-- Statistics may be missing, and a piece must not read all products.
set enable_seqscan = off;
--> statement-breakpoint
-- A piece is some 50 ms for which workers wait for its products: one that is discontinued meanwhile must not get a name.
select format(
  'insert into product_names (generation, id, folded, grams)
    select generation, id, name_words(spelt), name_grams(spelt)
    from (
      select generation, id, name from products where generation = %s and id > %L and id <= %L and listed order by id for share
    ) product, spell_name(name) spelt
    on conflict do nothing', generation, lag(id, 1, '') over (partition by generation order by id), id) as statement
from (
  select generation, id, row_number() over named as place, count(*) over (partition by generation) as missing
  from products
  where listed and not exists (
    select from product_names names where names.id = products.id and names.generation = products.generation
  )
  window named as (partition by generation order by id)
) numbered
where place % 500 = 0 or place = missing;
--> statement-breakpoint
-- Words that are written otherwise now. Again in 0015, for those of workers that do not know yet.
select format(
  'insert into words
    select distinct part from words, name_words(spell_name(word)) written, regexp_split_to_table(btrim(written), '' '') part
    where word > %L and word <= %L and written <> '' '' || word || '' '' and part ~ ''^[^0-9]{3,40}$''
    order by part
    on conflict do nothing', lag(word, 1, '') over (order by word), word) as statement
from (select word, row_number() over (order by word) as place, count(*) over () as known from words) numbered
where place % 1000 = 0 or place = known;
--> statement-breakpoint
-- Waits for transactions that run meanwhile, and nobody waits for it.
set lock_timeout = 0;
--> statement-breakpoint
select partition_index_builds('product_names_by_trigrams') as statement;
--> statement-breakpoint
select partition_index_builds('product_names_by_grams') as statement;
--> statement-breakpoint
select partition_index_builds('products_by_price_and_generation') as statement;
--> statement-breakpoint
vacuum (analyze) product_names;
