import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { type MachineCosts, type MachineObservation, machineCosts, predictLoad } from "./prediction.ts";
import { coresBetween, processorTime } from "./processor-time.ts";

/** A machine where the services take 0.1 cores, a camera 5% of a core, and a frame 1 ms of ingest, 16 ms of the model and 3 ms of the rest. */
const costs: MachineCosts = {
  cores: 4,
  others: 0,
  standing: 0.1,
  perCamera: 0.05,
  perFrame: { ingest: 0.001, inference: 0.016, transport: 0.003 },
  cameraFps: 25,
  workerFps: undefined,
};

/** What such a machine does with cameras of which so many frames/s are inferred. */
function observation(cameras: number, inferredFps: number, spare = 0): MachineObservation {
  const { perCamera, perFrame, cameraFps } = costs;
  const ingest = 0.05 + cameras * perCamera + inferredFps * perFrame.ingest;
  const inference = 0.02 + inferredFps * perFrame.inference;
  const transport = 0.03 + inferredFps * perFrame.transport;
  const machine = ingest + inference + transport + spare;
  return { cameras, capturedFps: cameras * cameraFps, inferredFps, ingest, inference, transport, machine };
}

/** Frames/s at which all cores are in use. */
const full = (cameras: number) => (costs.cores - costs.standing - cameras * costs.perCamera) / 0.02;

test("costs are found again in what was observed under load", () => {
  const found = machineCosts(4, [observation(2, 2), observation(10, 10), observation(10, full(10))]);
  expect(found.standing).toBeCloseTo(0.1);
  expect(found.perCamera).toBeCloseTo(0.05);
  expect(found.perFrame.ingest).toBeCloseTo(0.001);
  expect(found.perFrame.inference).toBeCloseTo(0.016);
  expect(found.perFrame.transport).toBeCloseTo(0.003);
  expect(found).toMatchObject({ cameraFps: 25, workerFps: undefined });
  expect(found.others).toBeCloseTo(0);
});

test("no cost is less than nothing, whatever the noise", () => {
  for (const ingest of [0, 0.4, 5]) {
    const noisy = [
      observation(2, 2),
      observation(10, 160),
      { ...observation(15, 150), ingest, inference: 0.01 },
    ];
    const { others, standing, perCamera, perFrame } = machineCosts(4, noisy);
    for (const cost of [others, standing, perCamera, ...Object.values(perFrame)])
      expect(cost).toBeGreaterThanOrEqual(0);
  }
});

test("what fits is told with its share of the machine, and how many cameras more would", () => {
  const plan = predictLoad(costs, { cameras: 16, fps: 5 });
  expect(plan).toMatchObject({ fits: true, askedFps: 80, inferredFps: 80, limit: "inference" });
  expect(plan.load).toBeCloseTo((16 * 0.05 + 80 * 0.02) / 3.9);
  expect(predictLoad(costs, { cameras: plan.remedy.cameras, fps: 5 }).fits).toBe(true);
  expect(predictLoad(costs, { cameras: plan.remedy.cameras + 1, fps: 5 }).fits).toBe(false);
});

test("what does not fit is told with what then is inferred, and with a rate, a number of cameras and machines that fit", () => {
  const wish = { cameras: 40, fps: 10 };
  const plan = predictLoad(costs, wish);
  expect(plan).toMatchObject({ fits: false, askedFps: 400, limit: "inference" });
  expect(plan.inferredFps).toBeCloseTo(full(40));
  const { fps, cameras, machines, cores } = plan.remedy;
  expect(predictLoad(costs, { cameras: 40, fps }).fits).toBe(true);
  expect(predictLoad(costs, { cameras: 40, fps: fps + 0.2 }).fits).toBe(false);
  expect(predictLoad(costs, { cameras, fps: 10 }).fits).toBe(true);
  expect(predictLoad(costs, { cameras: Math.ceil(40 / machines!), fps: 10 }).fits).toBe(true);
  expect(predictLoad({ ...costs, cores }, wish).fits).toBe(true);
  expect(predictLoad({ ...costs, cores: cores - 1 }, wish).fits).toBe(false);
});

test("decoding runs out first where many cameras give few frames each", () => {
  const plan = predictLoad(costs, { cameras: 100, fps: 1 });
  expect(plan).toMatchObject({ fits: false, limit: "decode", inferredFps: 0 });
  expect(plan.remedy.fps).toBe(0);
  expect(plan.remedy.cameras).toBe(Math.floor((0.9 * 3.9) / 0.07));
});

test("a worker that is slower than the cores is what limits", () => {
  const found = machineCosts(4, [observation(2, 2), observation(9, 9), observation(9, 41, 0.5)]);
  expect(found.workerFps).toBe(41);
  expect(predictLoad(found, { cameras: 20, fps: 5 })).toMatchObject({
    fits: false,
    limit: "worker",
    inferredFps: 41,
  });
});

test("no more is asked of a camera than it sends, and 0 is all of that", () => {
  expect(predictLoad(costs, { cameras: 2, fps: 60 }).askedFps).toBe(50);
  expect(predictLoad(costs, { cameras: 2, fps: 0 }).askedFps).toBe(50);
});

test("other programs keep what they took, or get what is reserved for them", () => {
  expect(predictLoad({ ...costs, others: 1 }, { cameras: 1, fps: 1 }).availableCores).toBeCloseTo(2.9);
  expect(
    predictLoad({ ...costs, others: 1 }, { cameras: 1, fps: 1, reserve: 2.5 }).availableCores,
  ).toBeCloseTo(1.4);
  expect(predictLoad(costs, { cameras: 1, fps: 1, reserve: 5 })).toMatchObject({
    fits: false,
    inferredFps: 0,
  });
});

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
