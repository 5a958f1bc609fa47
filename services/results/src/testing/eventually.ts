import { expect } from "vitest";

/** Like expect.poll, but patient enough for a machine that is busy with other tests. */
export function eventually<T>(read: () => T | Promise<T>) {
  return expect.poll(read, { timeout: 15_000 });
}
