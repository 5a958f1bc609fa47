import { expect, test } from "vitest";
import { StartLimit } from "./start-limit.ts";

const { signal } = new AbortController();

/** Starts that each tell their name when they run; `end` ends one. */
function starts(limit: StartLimit) {
  const running: string[] = [];
  const ends = new Map<string, () => void>();
  const start = async (name: string, failures: number, aborted: AbortSignal = signal) => {
    const end = await limit.enter(failures, aborted);
    if (!end) return;
    running.push(name);
    ends.set(name, end);
  };
  return { running, start, end: (name: string) => ends.get(name)?.() };
}

test("so many run at a time; the others wait in the order in which they came", async () => {
  const { running, start, end } = starts(new StartLimit(2));
  for (const name of ["a", "b", "c", "d"]) void start(name, 0);
  await expect.poll(() => running).toEqual(["a", "b"]);
  end("b");
  end("b");
  await expect.poll(() => running).toEqual(["a", "b", "c"]);
  end("a");
  await expect.poll(() => running).toEqual(["a", "b", "c", "d"]);
});

test("the fewest failures go first, and a place is always free of cameras that have failed", async () => {
  const { running, start, end } = starts(new StartLimit(4));
  for (const name of ["dead-1", "dead-2", "dead-3", "dead-4", "dead-5"]) void start(name, 9);
  await expect.poll(() => running).toEqual(["dead-1", "dead-2", "dead-3"]);
  void start("new", 0);
  void start("once", 1);
  await expect.poll(() => running.at(-1)).toBe("new");
  end("dead-2");
  await expect.poll(() => running.at(-1)).toBe("once");
  end("new");
  end("dead-1");
  await expect.poll(() => running.at(-1)).toBe("dead-4");
});

test("one that waits no longer takes no place", async () => {
  const { running, start, end } = starts(new StartLimit(2));
  const gone = new AbortController();
  await start("a", 0);
  await start("b", 0);
  const waited = start("gone", 0, gone.signal);
  void start("c", 0);
  gone.abort();
  await waited;
  end("a");
  await expect.poll(() => running).toEqual(["a", "b", "c"]);
  end("c");
  // One that was aborted before it came takes none either.
  await start("never", 0, gone.signal);
  await start("d", 0);
  expect(running).toEqual(["a", "b", "c", "d"]);
});
