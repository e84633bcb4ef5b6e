-- Databases that had 0001 alone left 0002 out, because its time is before that of 0001.
alter table promotion_items add column if not exists unsent boolean default false not null;
--> statement-breakpoint
alter table promotions add column subject text collate "C" default '' not null;
--> statement-breakpoint
alter table promotions drop constraint promotions_key;
--> statement-breakpoint
alter table promotions add constraint promotions_subject_key unique (subject, key);
--> statement-breakpoint
alter table promotion_log add column subject text;
