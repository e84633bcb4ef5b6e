import { runMigration } from '@catalogue/service';
import { settings } from './settings.ts';
import { migratePrices } from './tables/migrate.ts';

process.exitCode = await runMigration('price-history', settings.readDb, migratePrices, process.env);
