-- as promotions in catalogue_promotions
grant select on events, log_origin to promotions_relay;
grant select, insert, update on cursors to promotions_relay;
