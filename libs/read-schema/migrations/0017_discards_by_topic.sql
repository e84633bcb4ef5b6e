-- Written by hand. A discard of a message that cannot be read (version 0) names the id of its topic from now on: "partition 0,
-- offset 7 of topic 4x…". The release before writes and reads it without; each form is stored with the other, so that both
-- releases honour what either discards. The topic is that of the message, which still waits when its discard is written.
create function file_discard_twice() returns trigger language plpgsql as $function$
begin
  insert into discards (product_id, version, event_id, detail, discarded_at)
    select new.product_id, 0, form, new.detail, new.discarded_at
    from (
      select split_part(new.event_id, ' of topic ', 1) as form where new.event_id like '% of topic %'
      union
      select new.event_id || ' of topic ' || topic_id
      from parked_events parked join consumer_offsets using (generation, topic, partition)
      where new.event_id not like '% of topic %' and parked.product_id = new.product_id and parked.version is null
        and new.event_id = 'partition ' || parked.partition || ', offset ' || parked."offset"
    ) forms
    on conflict do nothing;
  return new;
end
$function$;
--> statement-breakpoint
-- Before: an insert may find the form that it writes there already, of another topic.
create trigger discards_file_twice before insert on discards
  for each row when (new.version = 0 and pg_trigger_depth() = 0) execute function file_discard_twice();
