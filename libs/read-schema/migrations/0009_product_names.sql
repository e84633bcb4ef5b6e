-- Written by drizzle-kit from src/tables.ts; by hand: functions, partitions, the trigger. The names of the products that are there
-- are copied in 0011, and read from 0014 on.
-- No generation comes or goes meanwhile: each has to get its table.
lock table generations in share row exclusive mode;
--> statement-breakpoint
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
-- What trigrams do not find in a spelt name: each sign, each character of a script that writes without spaces between words
-- (Chinese, Japanese, Korean, Thai, Lao, Tibetan, Burmese, Khmer), and each of them with the character before and after it. Null
-- for a name without any. The ranges are those of the other scripts' letters and marks, which need none.
create function name_grams(spelt text) returns text[] language plpgsql immutable strict parallel safe as $function$
declare
  others constant text := '[:space:]a-z0-9\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u0dff\u10a0-\u10ff\u1200-\u177f\u1800-\u1fff'
    '\u2c00-\u2dff\ua4d0-\ua95f\ua980-\uabff\ufb00-\ufdff\ufe70-\ufefc\U00010000-\U0001cfff\U0001e000-\U0001efff';
  grams text[];
  run text;
begin
  if spelt collate "C" !~ ('[^' || others || ']') then
    return null;
  end if;
  -- Of other letters in a row the first and the last are left, apart.
  foreach run in array string_to_array(
    regexp_replace(spelt collate "C", '([' || others || '])[' || others || ']*([' || others || '])', '\1 \2', 'g'), ' '
  ) loop
    for place in 1 .. length(run) - 1 loop
      grams := grams || substr(run, place, 2);
    end loop;
  end loop;
  return grams || string_to_array(regexp_replace(spelt collate "C", '[' || others || ']+', '', 'g'), null);
end
$function$;
--> statement-breakpoint
create table product_names (
  generation integer not null,
  id text collate "C" not null,
  folded text not null,
  grams text[],
  constraint product_names_id_generation_pk primary key (id, generation)
) partition by list (generation);
--> statement-breakpoint
-- Made apart and attached: `create table … partition of` would lock readers and workers out of the table. More statistics than a
-- column has by default (100): by them a search for a rare word is told from one for a common word.
create function create_product_names(of_generation integer) returns void language plpgsql as $function$
begin
  execute format('create table product_names_g%s (like product_names including all)', of_generation);
  execute format('alter table product_names_g%s alter folded set statistics 1000, alter grams set statistics 1000',
    of_generation);
  execute format('alter table product_names attach partition product_names_g%1$s for values in (%1$s)', of_generation);
end
$function$;
--> statement-breakpoint
create function add_product_names() returns trigger language plpgsql as $function$
begin
  perform create_product_names(new.generation);
  return null;
end
$function$;
--> statement-breakpoint
select create_product_names(generation) from generations where state <> 'dropped';
--> statement-breakpoint
-- On the table only: a partition that is made from now on has these indexes, and those that exist get theirs in 0011.
create index product_names_by_trigrams on only product_names using gin (folded gin_trgm_ops);
--> statement-breakpoint
create index product_names_by_grams on only product_names using gin (grams) where grams is not null;
--> statement-breakpoint
create trigger generations_add_product_names after insert on generations
  for each row when (new.state <> 'dropped') execute function add_product_names();
--> statement-breakpoint
-- The release before does not know the table of names when it drops a generation.
create function drop_product_names() returns trigger language plpgsql as $function$
begin
  execute format('drop table if exists product_names_g%s', new.generation);
  return null;
end
$function$;
--> statement-breakpoint
-- At the commit, when the generation's other tables are gone: until then batches of workers may write names.
create constraint trigger generations_drop_product_names after update on generations
  deferrable initially deferred
  for each row when (new.state = 'dropped') execute function drop_product_names();
