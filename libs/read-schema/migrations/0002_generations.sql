-- Written by drizzle-kit from src/tables.ts; by hand: the check, the function.
create unique index generations_one_filling on generations using btree (state) where state = 'filling';
--> statement-breakpoint
alter table generations drop constraint generations_state_check;
--> statement-breakpoint
alter table generations add constraint generations_state_check check (state in ('filling', 'serving', 'retired', 'dropped'));
--> statement-breakpoint
-- The view, in one place, for migrations and for whoever switches generations. A migration that changes the view replaces
-- this function and ends with: select show_generation(generation) from generations where state = 'serving';
-- a view written out there would show the generation that served when the migration was written.
create function show_generation(shown integer) returns void language plpgsql as $function$
begin
  execute format('create or replace view products_read as
    select id, name, price, version, created_at, updated_at
    from products
    where generation = %s and listed', shown);
end
$function$;
