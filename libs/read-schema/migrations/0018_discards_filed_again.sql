-- No transaction. Discards that were made before hold for the topics that are known.
insert into discards (product_id, version, event_id, detail, discarded_at)
  select product_id, version, event_id || ' of topic ' || topic_id, detail, discarded_at
  from discards, (select distinct topic_id from consumer_offsets) known
  where version = 0 and event_id not like '% of topic %'
  on conflict do nothing;
