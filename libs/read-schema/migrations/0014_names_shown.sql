-- Written by hand: searches read product_names from here on, also those of the release before: it folds what is searched by
-- fold_name, and reads `folded` of products_read. PostgreSQL leaves the join out for statements that do not.
-- No switch comes between what is read of generations and the views.
lock table generations in share row exclusive mode;
--> statement-breakpoint
-- listed_products shows the serving partition itself, for pages and searches. Of "where generation = 1" PostgreSQL expects one row
-- of 200 as long as the table is not analysed: it sorted the whole generation for each page instead of going by the order of an
-- index. products_read keeps its condition, since its readers find a product by (generation, id).
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
  execute format('create or replace view searched_names as select id, folded, grams from product_names_g%s', shown);
end
$function$;
--> statement-breakpoint
create or replace function fold_name(name text) returns text language sql immutable strict parallel safe
  return name_words(spell_name(name));
--> statement-breakpoint
select show_generation(generation) from generations where state = 'serving';
