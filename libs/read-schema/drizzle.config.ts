import { defineConfig } from 'drizzle-kit';

// `drizzle-kit generate` writes the next migration from the tables. Read it, and add what Drizzle cannot express.
export default defineConfig({
  dialect: 'postgresql',
  schema: [
    './src/product-tables.ts',
    './src/search-tables.ts',
    '../projection-schema/src/change-log.ts',
    '../projection-schema/src/tables.ts',
  ],
  out: './migrations',
});
