-- By hand. A function of the read model (libs/read-schema), as those of 0007: a text of signs chooses only names that a search finds.
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
