-- Written by hand: what 0011 built.
select partition_index_attachments('product_names_by_trigrams') as statement;
--> statement-breakpoint
select partition_index_attachments('product_names_by_grams') as statement;
