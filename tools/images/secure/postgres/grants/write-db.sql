-- as event_store in catalogue_write
grant select, insert on events to command_api;
grant select, insert, update on snapshots to command_api;
grant select, insert, update, delete on idempotency_keys to command_api;
grant select on log_origin to command_api, outbox_relay;
grant select on events to outbox_relay;
grant select, insert, update on cursors to outbox_relay;
