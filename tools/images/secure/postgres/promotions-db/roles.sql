-- From docs/how-to/database-roles.md. Without passwords: pg_hba.conf admits a role by its certificate.
create role promotions login;
create role promotions_relay login;
create database catalogue_promotions owner promotions;
revoke connect, temporary on database catalogue_promotions from public;
grant connect on database catalogue_promotions to promotions_relay;
grant pg_read_all_stats to promotions_relay;
