import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/fleet/end-databases.ts'],
    pool: 'forks',
    // Two cores is what the smallest supported machine has. With two at a time they stood idle half of it: labs and desks wait more than they work.
    maxWorkers: 3,
    // Enough for a loopback test on a busy machine. Lab and e2e tests name their own, longer ones.
    testTimeout: 15_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    allowOnly: false,
    silent: 'passed-only',
  },
});
