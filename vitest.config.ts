import { defineConfig } from 'vitest/config';

/** The fast suite. A file named *.slow.test.ts belongs to `vitest.slow.config.ts`. */
export default defineConfig({
  test: {
    globalSetup: 'test/build-kernels.ts',
    include: ['test/**/*.test.ts'],
    exclude: ['test/**/*.slow.test.ts', 'node_modules/**'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
