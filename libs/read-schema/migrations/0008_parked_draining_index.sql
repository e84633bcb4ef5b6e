-- No transaction: workers go on parking messages while the index is built. Where that was interrupted, it is built anew.
set lock_timeout = 0;
--> statement-breakpoint
select unnest(array[
  'drop index concurrently if exists parked_events_draining',
  'create index concurrently parked_events_draining on parked_events using btree (generation, product_id) where draining'
]) as statement;
