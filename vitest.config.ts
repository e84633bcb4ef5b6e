import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take a minute or more on a busy machine: begun last, one of them would run alone in the end. */
const longest =
  /(plans|recipe|faults|outage|takeover|rebuild|consumer|stream-hub|crashes|servers|under-load|poisoned-topic|exactly-once|refused-login|rights|release|move-to-avro|secure-compose|kills|load|worker-memory|page(-[a-z-]+)?)\.int\.test\.ts$/;

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- a method of vitest's, of the same name
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => Number(longest.test(b.moduleId)) - Number(longest.test(a.moduleId)));
  }
}

// unit: no I/O. int: real PostgreSQL and Kafka, started once a run by the global setup.
export default defineConfig({
  ssr: { resolve: { conditions: ['@catalogue/source', 'node', 'module', 'import', 'default'] } },
  test: {
    // Integration tests wait for servers most of the time. By default, two cores would run one file at a time.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    sequence: { sequencer: LongestFirst },
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
