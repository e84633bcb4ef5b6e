-- Written by drizzle-kit; by hand: the views. Prices that are stored have no promotion until a rebuild.
alter table price_line add column promotion text;
--> statement-breakpoint
alter table reductions add column promotion text;
--> statement-breakpoint
-- The new column at the end of both views.
create or replace function show_generation(shown integer) returns void language plpgsql as $function$
begin
  execute format('create or replace view priced_products_read as
    select id, version, event_id, parked, complete_from, settled, last_change, legacy
    from priced_products
    where generation = %s', shown);
  execute format('create or replace view price_line_read as
    select product, valid_from, valid_to, cents, version, event_id, promotion
    from price_line
    where generation = %s', shown);
  execute format('create or replace view reductions_read as
    select product, market, applied_at, ends_at, listed, cents, prior_cents, permille, window_from, window_to, observed_days,
      basis_from, promotion
    from reductions
    where generation = %s', shown);
end
$function$;
--> statement-breakpoint
select show_generation(generation) from generations where state = 'serving';
