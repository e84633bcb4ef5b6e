alter table promotions add column keeps boolean default false not null;
