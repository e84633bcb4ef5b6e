import { migrateEventStore } from '@catalogue/event-store';
import { createLogger, readSettings } from '@catalogue/service';
import { settings } from './settings.ts';

const { writeDb, logLevel } = readSettings({ writeDb: settings.writeDb, logLevel: settings.logLevel }, process.env);
await migrateEventStore(writeDb);
createLogger('command-api', logLevel).info('The event store is at its newest version');
