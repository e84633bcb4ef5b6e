-- Written by drizzle-kit; by hand: all but the two columns of product_prices. Rows that are there have no name until a rebuild.
-- The extension is trusted: the owner of the database may create it.
create extension if not exists unaccent;
--> statement-breakpoint
-- The two functions that follow are those of the read model (libs/read-schema), so that a promotion finds names as a search does. A
-- database has one list of migrations, so that library's own cannot run here; a test compares the functions.
-- A name as it is compared: without case, accents and what is not seen, a final sigma as any other; signs stay. unaccent is not
-- immutable, for its rules are a file that another release of PostgreSQL may change: what is stored then stays as it was until
-- the name changes. Of a longer name (older producers have no limit) the first 1000 characters: `name_grams` and `normalize` take
-- time that grows with the square of their text. ICU, because the locale C knows no letters but those of ASCII.
create function spell_name(name text) returns text language sql immutable strict parallel safe
  return case when octet_length(name) = length(name) then lower(left(name, 1000) collate "C") else
    normalize(replace(lower(unaccent('unaccent'::regdictionary, regexp_replace(
      normalize(left(name, 1000), nfkd),
      -- Accents, vowel points of Hebrew and Arabic, tatweel, soft hyphens, joiners, marks of direction, forms of emoji.
      '[\u00ad\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u200b-\u200f\u2060\ufe00-\ufe0f\ufeff]',
      '', 'g'
    )) collate "und-x-icu") collate "C", 'ς', 'σ'), nfc)
  end;
--> statement-breakpoint
-- The words of a spelt name: without signs, a space before and after each, so that `% mou%` finds what begins a word. The marks
-- of Indic scripts, Thai, Lao, Tibetan, Burmese, Khmer and kana belong to words, though ICU counts no mark as a letter.
create function name_words(spelt text) returns text language sql immutable strict parallel safe
  return ' ' || btrim(regexp_replace(
    spelt collate "und-x-icu",
    '[^[:alnum:]\u0900-\u0963\u0966-\u0dff\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ebd\u0ec0-\u0ece\u0f71-\u0f84\u0f90-\u0fbc\u102b-\u103e\u1056-\u109d\u1780-\u17d3\u3099\u309a]+',
    ' ', 'g'
  )) || ' ';
--> statement-breakpoint
alter table product_prices add column name text;
--> statement-breakpoint
alter table product_prices add column name_version integer default 0 not null;
--> statement-breakpoint
-- The words of the name. By a trigger, because a generated column would rewrite the table, and the release before would wait for it.
alter table product_prices add column folded text collate "C";
--> statement-breakpoint
create function fold_product_name() returns trigger language plpgsql as $function$
begin
  new.folded := name_words(spell_name(new.name));
  return new;
end
$function$;
--> statement-breakpoint
create trigger product_prices_fold_new_name before insert on product_prices
  for each row when (new.name is not null) execute function fold_product_name();
--> statement-breakpoint
create trigger product_prices_fold_changed_name before update of name on product_prices
  for each row when (new.name is distinct from old.name) execute function fold_product_name();
--> statement-breakpoint
-- The new columns at the end. A name is known only if the last event was applied by a release that keeps names.
create or replace function show_generation(shown integer) returns void language plpgsql as $function$
begin
  execute format('create or replace view product_prices_read as
    select id, version, parked, cents, price_version, price_at, price_by, discontinued,
      case when name_version = version then name end as name, folded
    from product_prices
    where generation = %s', shown);
end
$function$;
--> statement-breakpoint
select show_generation(generation) from generations where state = 'serving';
