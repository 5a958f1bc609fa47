import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { configDefaults, defineConfig } from "vitest/config";
import { TestOrder } from "./test/order/test-order.ts";

export default defineConfig({
  test: {
    // The many processes that tests start compile their TypeScript once, as under the launcher.
    env: { NODE_COMPILE_CACHE: resolve(import.meta.dirname, "node_modules/.cache/sightline") },
    // Patience for a machine that is busy with other tests; what passes does not take longer for it.
    testTimeout: 180_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 60_000 } },
    // Most of them wait for other processes most of the time: a file takes about a third of a processor.
    maxWorkers: Math.max(4, availableParallelism()),
    sequence: { sequencer: TestOrder },
    projects: [
      {
        extends: true,
        test: {
          name: "parts",
          include: ["{apps,packages,services}/*/src/**/*.test.ts", "test/client/*.test.ts"],
          // Loading a service takes a file a second of a processor: files that run one after the other share a process and what it has loaded.
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: "system",
          include: ["test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, "test/client/**"],
          // Each of these starts a whole system, which waits for its cameras most of the time: two at once, when all parts have passed.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
