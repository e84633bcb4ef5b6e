create index promotions_changed on promotions using btree (updated_at);
