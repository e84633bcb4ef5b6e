-- Written by hand: a view of the serving partition itself, for pages and searches. Of "where generation = 1" PostgreSQL expects
-- one row of 200 as long as the table is not analysed: it sorted the whole generation for each page instead of going by the
-- order of an index. products_read keeps its condition, since its readers find a product by (generation, id).
create or replace function show_generation(shown integer) returns void language plpgsql as $function$
begin
  execute format('create or replace view products_read as
    select id, name, price, version, created_at, updated_at, folded
    from products
    where generation = %s and listed', shown);
  execute format('create or replace view listed_products as
    select id, name, price, version, created_at, updated_at, folded
    from products_g%s
    where listed', shown);
end
$function$;
--> statement-breakpoint
select show_generation(generation) from generations where state = 'serving';
