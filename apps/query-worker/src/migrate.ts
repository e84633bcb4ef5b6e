import { migrateReadModel } from '@catalogue/read-schema';
import { postgresDsn, readSettings } from '@catalogue/service';

const { readDb } = readSettings({ readDb: postgresDsn('READ_DB_DSN') }, process.env);
await migrateReadModel(readDb);
