-- From docs/how-to/database-roles.md. Without passwords: pg_hba.conf admits a role by its certificate.
create role query_worker login;
create role query_api login;
create role price_history login;
create database catalogue_read owner query_worker;
create database catalogue_prices owner price_history;
revoke connect, temporary on database catalogue_read from public;
revoke connect, temporary on database catalogue_prices from public;
grant connect on database catalogue_read to query_api;
