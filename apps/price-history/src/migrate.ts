import { readArguments, runMigration } from '@catalogue/service';
import { settings } from './settings.ts';
import { migratePrices } from './tables/migrate.ts';

readArguments(process.argv.slice(2), { usage: 'Usage: node dist/migrate.js\n\nBrings the price lines up to date.' });
process.exitCode = await runMigration('price-history', settings.readDb, migratePrices, process.env);
