import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { coresBetween, processorTime } from "./processor-time.ts";

test("counts a process with all that it has started, also what has ended", async () => {
  // By its own processor time: on a busy machine a process gets less of it than time goes by.
  const used = "process.cpuUsage().user";
  const spin = `const begin = ${used}; while (${used} - begin < 300_000) for (let i = 0; i < 1e6; i++);`;
  const parent = spawn(process.execPath, [
    "-e",
    `const { spawnSync } = require("node:child_process");
     process.stdin.once("data", () => {
       spawnSync(process.execPath, ["-e", ${JSON.stringify(spin)}]);
       ${spin}
       console.log("done");
     });`,
  ]);
  try {
    const roots = { parent: parent.pid! };
    const from = await processorTime(roots);
    parent.stdin.write("begin\n");
    await once(parent.stdout, "data");
    const to = await processorTime(roots);
    expect(to.of.parent - from.of.parent).toBeGreaterThan(0.5);
    expect(to.machine - from.machine).toBeGreaterThan(0.2);
    const { of, machine } = coresBetween(from, to);
    expect(of.parent).toBeCloseTo((to.of.parent - from.of.parent) / (to.at - from.at));
    expect(machine).toBeGreaterThan(0);
  } finally {
    parent.kill();
  }
});
