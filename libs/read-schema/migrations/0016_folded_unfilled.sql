-- Written by hand: products_read shows the names of product_names (0014), so nothing reads the column or its index any more. The
-- column stays, empty for new names, while the release before runs; docs/how-to/upgrade.md lists what the next release drops.
lock table products in access exclusive mode;
--> statement-breakpoint
drop index products_by_trigrams;
--> statement-breakpoint
alter table products alter column folded drop expression;
