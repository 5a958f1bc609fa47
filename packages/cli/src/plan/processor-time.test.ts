import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { coresBetween, processorTime } from "./processor-time.ts";

test("counts a process with all that it has started, also what has ended", async () => {
  // Until it has had so much of a core, however long a busy machine takes to give it.
  const spin = "while (process.cpuUsage().user < 400_000);";
  const parent = spawn(process.execPath, [
    "-e",
    `const { spawnSync } = require("node:child_process"); spawnSync(process.execPath, ["-e", ${JSON.stringify(spin)}]);
     ${spin} console.log("done"); setInterval(() => {}, 1000)`,
  ]);
  try {
    const roots = { parent: parent.pid! };
    const from = await processorTime(roots);
    await once(parent.stdout, "data");
    const to = await processorTime(roots);
    expect(to.of.parent - from.of.parent).toBeGreaterThan(0.2);
    expect(to.machine - from.machine).toBeGreaterThan(0.2);
    const { of, machine } = coresBetween(from, to);
    expect(of.parent).toBeCloseTo((to.of.parent - from.of.parent) / (to.at - from.at));
    expect(machine).toBeGreaterThan(0);
  } finally {
    parent.kill();
  }
});
