-- The same condition as of the statements, so that PostgreSQL uses it.
create index promotions_standing on promotions using btree (id) where due_at is not null or state = 'needs-attention';
