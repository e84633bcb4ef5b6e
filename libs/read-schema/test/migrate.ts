// A migration as a process of its own, which a test may kill: node migrate.ts <dsn>.
import { migrateReadModel } from '../src/index.ts';

await migrateReadModel(process.argv[2] ?? '');
