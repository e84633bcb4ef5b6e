-- as query_worker in catalogue_read
grant select on all tables in schema public to query_api;
alter default privileges in schema public grant select on tables to query_api;
