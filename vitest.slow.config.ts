import { defineConfig } from 'vitest/config';

/** Suites with a real broker, a real browser, killed processes or real training. One file at a time: they take the machine. */
export default defineConfig({
  test: {
    globalSetup: 'test/build-kernels.ts',
    include: ['test/**/*.slow.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    fileParallelism: false,
  },
});
