import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { globalSetup: 'test/cognate.mjs', testTimeout: 60_000 },
});
