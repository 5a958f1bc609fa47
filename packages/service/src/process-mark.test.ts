import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterEach, expect, test } from "vitest";
import { hasEnded, ownMark } from "./process-mark.ts";

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** A process of its own, and its mark as it tells it. */
async function other(): Promise<{ child: ChildProcess; mark: string }> {
  const script = `import { ownMark } from ${JSON.stringify(import.meta.resolve("./process-mark.ts"))};
    console.log(ownMark()); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const [mark] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  return { child, mark };
}

test("a process has ended when it is gone, not while it runs or is frozen", async () => {
  const { child, mark } = await other();
  expect(hasEnded(mark)).toBe(false);
  child.kill("SIGSTOP");
  expect(hasEnded(mark)).toBe(false);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(hasEnded(mark)).toBe(true);
  expect(hasEnded(ownMark()!)).toBe(false);
});

test("another process with the same PID does not stand for one that has ended", () => {
  const mark = ownMark()!;
  const earlier = mark.replace(/\d+$/, (start) => String(Number(start) - 1));
  expect(hasEnded(earlier)).toBe(true);
});

test("of a process of another machine or container nothing is known, nor of what is no mark", () => {
  const [boot, namespace, , start] = ownMark()!.split(":");
  const free = 4_194_304;
  expect(hasEnded(`${boot}:${namespace}:${free}:${start}`)).toBe(true);
  expect(hasEnded(`another:${namespace}:${free}:${start}`)).toBe(false);
  expect(hasEnded(`${boot}:1:${free}:${start}`)).toBe(false);
  for (const text of ["", "x", "1:2:3", `${boot}:${namespace}:${free}`]) expect(hasEnded(text)).toBe(false);
});
