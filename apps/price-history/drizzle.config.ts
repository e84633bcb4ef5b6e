import { defineConfig } from 'drizzle-kit';

// `drizzle-kit generate` writes the next migration from the tables. Read it, and add what Drizzle cannot express.
export default defineConfig({
  dialect: 'postgresql',
  schema: [
    './src/tables/schema.ts',
    '../../libs/projection-schema/src/change-log.ts',
    '../../libs/projection-schema/src/tables.ts',
  ],
  out: './migrations',
});
