-- Steps that were stored before may have been sent: false. The default is constant, so no row is rewritten.
alter table promotion_items add column unsent boolean default false not null;
