-- Written by drizzle-kit; by hand: the triggers fill the column from here on, and searches see it. 0022 fills it for the names that
-- are there.
-- No generation comes or goes meanwhile.
lock table generations in share row exclusive mode;
--> statement-breakpoint
alter table product_names add column covered boolean not null default true;
--> statement-breakpoint
-- Whether an entry of a B-tree, 2 704 bytes, has room for a name: in an array, a gram has 7 bytes more than its text at most.
create function name_is_covered(id text, folded text, grams text[]) returns boolean language sql stable parallel safe
  return octet_length(id) + octet_length(folded)
    + coalesce(octet_length(array_to_string(grams, '')) + 8 * cardinality(grams), 0) <= 2500;
--> statement-breakpoint
create or replace function name_new_products() returns trigger language plpgsql as $function$
begin
  insert into product_names (generation, id, folded, grams, covered)
    select generation, id, folded, grams, name_is_covered(id, folded, grams)
    from (
      select generation, id, name_words(spelt) as folded, name_grams(spelt) as grams from added, spell_name(name) spelt
      -- As `listed`, which is not computed yet where a partition's columns lie otherwise than those of the table.
      where not discontinued and created_at is not null and name is not null and price is not null
      offset 0 -- Otherwise a name would be folded once for each place of `folded`.
    ) named
    on conflict (id, generation) do update set folded = excluded.folded, grams = excluded.grams, covered = excluded.covered;
  return null;
end
$function$;
--> statement-breakpoint
create or replace function name_changed_product() returns trigger language plpgsql as $function$
begin
  if new.listed then
    insert into product_names (generation, id, folded, grams, covered)
      select new.generation, new.id, folded, grams, name_is_covered(new.id, folded, grams)
      from (select name_words(spelt) as folded, name_grams(spelt) as grams from spell_name(new.name) spelt offset 0) named
      on conflict (id, generation) do update set folded = excluded.folded, grams = excluded.grams, covered = excluded.covered;
  else
    delete from product_names where generation = new.generation and id = new.id;
  end if;
  return null;
end
$function$;
--> statement-breakpoint
create or replace function show_generation(shown integer) returns void language plpgsql as $function$
begin
  execute format('create or replace view products_read as
    select product.id, product.name, product.price, product.version, product.created_at, product.updated_at, names.folded
    from products product
    left join product_names_g%1$s names on names.id = product.id and names.generation = product.generation
    where product.generation = %1$s and product.listed', shown);
  execute format('create or replace view listed_products as
    select product.id, product.name, product.price, product.version, product.created_at, product.updated_at, names.folded
    from products_g%1$s product
    left join product_names_g%1$s names on names.id = product.id and names.generation = product.generation
    where product.listed', shown);
  execute format('create or replace view searched_names as select id, folded, grams, covered from product_names_g%s', shown);
end
$function$;
--> statement-breakpoint
select show_generation(generation) from generations where state = 'serving';
