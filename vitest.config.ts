import { defineConfig } from 'vitest/config';

// unit: no I/O. int: real PostgreSQL and Kafka, started once a run by the global setup.
export default defineConfig({
  ssr: { resolve: { conditions: ['@catalogue/source', 'node', 'module', 'import', 'default'] } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{apps,libs,tools}/*/src/**/*.test.ts', 'libs/page/browser/*.test.ts'],
          exclude: ['**/*.int.test.ts', '**/*.compose.test.ts', '**/node_modules/**', '**/dist/**'],
          // Property tests take a second here, and five or more on a machine that is busy with others.
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'int',
          include: ['{apps,libs,tools}/*/src/**/*.int.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**'],
          globalSetup: ['tools/local-stack/src/vitest.ts'],
          // Room for a machine that is busy with others, and for one wait of a minute that names what it waits for.
          testTimeout: 120_000,
          hookTimeout: 240_000,
          expect: { poll: { timeout: 60_000 } },
        },
      },
    ],
  },
});
