import { defineConfig } from 'drizzle-kit';

// `drizzle-kit generate` writes the next migration from the tables; read it, and add what Drizzle cannot say.
export default defineConfig({
  dialect: 'postgresql',
  schema: ['./src/product-tables.ts', './src/tables.ts'],
  out: './migrations',
});
