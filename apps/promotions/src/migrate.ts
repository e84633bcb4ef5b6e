import { runMigration } from '@catalogue/service';
import { settings } from './settings.ts';
import { migratePromotions } from './tables/migrate.ts';

process.exitCode = await runMigration('promotions', settings.readDb, migratePromotions, process.env);
