import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { defineConfig } from "vitest/config";
import { TestOrder } from "./test/order/test-order.ts";

export default defineConfig({
  test: {
    // The many processes that tests start compile their TypeScript once, as under the launcher.
    env: { NODE_COMPILE_CACHE: resolve(import.meta.dirname, "node_modules/.cache/sightline") },
    // Patience for a machine that is busy with other tests; what passes does not take longer for it.
    testTimeout: 90_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
    // Most of them wait for other processes most of the time: a file of `parts` takes a quarter of a processor, a whole system one.
    maxWorkers: Math.max(5, availableParallelism()),
    sequence: { sequencer: TestOrder },
    projects: [
      {
        extends: true,
        test: { name: "parts", include: ["{apps,packages,services}/*/src/**/*.test.ts"] },
      },
      {
        extends: true,
        test: { name: "system", include: ["test/**/*.test.ts"] },
      },
    ],
  },
});
