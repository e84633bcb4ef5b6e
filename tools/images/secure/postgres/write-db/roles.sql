-- From docs/how-to/database-roles.md. Without passwords: pg_hba.conf admits a role by its certificate.
create role event_store login;
create role command_api login;
create role outbox_relay login;
create database catalogue_write owner event_store;
revoke connect, temporary on database catalogue_write from public;
grant connect on database catalogue_write to command_api, outbox_relay;
grant pg_read_all_stats to outbox_relay;
