import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Separate from vitest.config.ts, because these tests need a container engine and images: `npm run test:compose` runs them.
export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  ssr: { resolve: { conditions: ['@catalogue/source', 'node', 'module', 'import', 'default'] } },
  test: {
    include: ['tools/acceptance/src/**/*.compose.test.ts'],
    testTimeout: 240_000,
    hookTimeout: 300_000,
    // The second reporter prints "N passed, N failed", which .ci/run sums.
    reporters: ['default', fileURLToPath(new URL('../workspace/src/results.ts', import.meta.url))],
  },
});
