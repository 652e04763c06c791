import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/fleet/end-databases.ts'],
    pool: 'forks',
    // Two cores is what the smallest supported machine has; lab scenarios beyond two would only slow each other down.
    maxWorkers: 2,
    // Enough for a loopback test on a busy machine. Lab and e2e tests name their own, longer ones.
    testTimeout: 15_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    allowOnly: false,
    silent: 'passed-only',
  },
});
