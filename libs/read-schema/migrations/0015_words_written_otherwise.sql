-- No transaction: a piece at a time. Words that workers of the release before wrote down since 0011.
select format(
  'insert into words
    select distinct part from words, name_words(spell_name(word)) written, regexp_split_to_table(btrim(written), '' '') part
    where word > %L and word <= %L and written <> '' '' || word || '' '' and part ~ ''^[^0-9]{3,40}$''
    order by part
    on conflict do nothing', lag(word, 1, '') over (order by word), word) as statement
from (select word, row_number() over (order by word) as place, count(*) over () as known from words) numbered
where place % 1000 = 0 or place = known;
