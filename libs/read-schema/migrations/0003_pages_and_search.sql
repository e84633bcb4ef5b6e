-- Written by drizzle-kit from src/tables.ts; by hand: extensions, functions, collations, the words there are, the view.
-- Both extensions are trusted: whoever may create in the database may create them.
create extension if not exists pg_trgm;
--> statement-breakpoint
create extension if not exists unaccent;
--> statement-breakpoint
-- A name's words as they are searched: without case, accents and signs, a space before and after each, so that `% mou%` finds
-- what begins a word. unaccent is not immutable, for its rules are a file that another release of PostgreSQL may change: what is
-- stored then stays as it was until the name changes. ICU, because the locale C knows no letters but those of ASCII.
create function fold_name(name text) returns text language sql immutable strict parallel safe
  return ' ' || regexp_replace(
    lower(unaccent('unaccent'::regdictionary, normalize(name, nfkc)) collate "und-x-icu"), '[^[:alnum:]]+', ' ', 'g'
  ) || ' ';
--> statement-breakpoint
alter table products add column folded text generated always as (fold_name(name)) stored;
--> statement-breakpoint
create index products_by_price on products using btree (price, id) where listed;
--> statement-breakpoint
create index products_by_updated_at on products using btree (updated_at, id) where listed;
--> statement-breakpoint
create index products_by_trigrams on products using gin (folded gin_trgm_ops) where listed;
--> statement-breakpoint
create table words (
  word text collate "C" primary key not null
);
--> statement-breakpoint
insert into words
  select distinct word from products, regexp_split_to_table(btrim(folded), ' ') word
  where listed and word ~ '^[^0-9]{3,40}$';
--> statement-breakpoint
create index words_by_trigrams on words using gin (word gin_trgm_ops);
--> statement-breakpoint
create or replace function show_generation(shown integer) returns void language plpgsql as $function$
begin
  execute format('create or replace view products_read as
    select id, name, price, version, created_at, updated_at, folded
    from products
    where generation = %s and listed', shown);
end
$function$;
--> statement-breakpoint
select show_generation(generation) from generations where state = 'serving';
