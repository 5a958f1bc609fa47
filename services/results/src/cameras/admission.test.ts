import { connect, type SightlineClient } from "@sightline/client";
import { cameraShareSchema, decodeJson, encodeJson, type WorkerInfo } from "@sightline/contracts";
import { freePort } from "@sightline/service/testing";
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { KillableResults } from "../testing/results-process.ts";
import { RunningResults } from "../testing/running-results.ts";

/** For a machine that is busy with other tests. */
const patience = { timeout: 60_000 };

const model = "yolo-nas-pedestrians";
let results: RunningResults;
let announcing: NodeJS.Timeout | undefined;

beforeAll(async () => {
  results = await RunningResults.start();
});
afterAll(() => results.stop());

beforeEach(() => serve(20));
afterEach(async () => {
  await serve(0);
  for await (const { name } of results.client.cameras.list())
    await results.client.cameras.delete(name.replace("cameras/", ""));
});

/** A worker of the model that runs so many frames a second, announced as it does it; 0: there is none. */
async function serve(framesPerSecond: number): Promise<void> {
  clearInterval(announcing);
  const { workers } = results.buckets;
  if (framesPerSecond === 0) {
    await workers.delete("w");
    return seen("could not be checked");
  }
  const info: WorkerInfo = {
    ...{ id: "w", host: "h", model, modelDigest: "", precision: "int8", executionProvider: "cpu" },
    ...{ batchSize: 1, batchCurve: [{ batch: 1, milliseconds: 1000 / framesPerSecond }] },
    ...{ startTime: new Date().toISOString(), utilization: 0, framesPerSecond: 0, meanBatchSize: 0 },
  };
  const announce = () => workers.put("w", encodeJson(info));
  await announce();
  announcing = setInterval(() => void announce(), 1_000);
  await seen(`run ${framesPerSecond.toFixed(1)} frames/s`);
}

/** Waits until what results says of a floor that nobody can hold has these words. */
async function seen(words: string): Promise<void> {
  const { cameras } = results.client;
  await vi.waitUntil(async () => {
    const { warnings, onWarnings } = collect();
    const refusal = await cameras
      .register("seen", { uri: "rtsp://cam/x", floorFps: 240 }, { onWarnings })
      .then(
        () => cameras.delete("seen"),
        ({ message }: Error) => message,
      );
    return [...warnings, refusal].some((each) => each?.includes(words));
  }, patience);
}

function collect() {
  const warnings: string[] = [];
  return { warnings, onWarnings: (said: readonly string[]) => warnings.push(...said) };
}

test("a share is stored apart from the record, shown, changed field by field, and goes with its camera", async () => {
  const { cameras } = results.client;
  const share = { weight: 2, floorFps: 4, priority: 1 };
  const uri = "rtsp://cam/x";
  expect(await cameras.register("front", { uri, targetFps: 5, ...share })).toMatchObject(share);
  const stored = async () => {
    const entry = await results.buckets.cameraShares.get("front");
    return entry?.operation === "PUT" ? decodeJson(cameraShareSchema, entry.value) : undefined;
  };
  expect(await stored()).toEqual(share);
  expect((await results.buckets.cameras.get("front"))!.string()).not.toContain("floor");
  expect(await cameras.update("front", { floorFps: 0 })).toMatchObject({
    weight: 2,
    floorFps: 0,
    priority: 1,
  });
  expect(await cameras.update("front", { weight: 0, priority: 0 })).toMatchObject({ weight: 1, priority: 0 });
  expect(await stored()).toBeUndefined();
  await cameras.update("front", { floorFps: 1 });
  await cameras.delete("front");
  expect(await cameras.register("front", { uri })).toMatchObject({ weight: 1, floorFps: 0, priority: 0 });
});

test.each([
  [{ weight: 11 }, "camera.weight is 11; expected 0.1 to 10, or 0 for the default, 1"],
  [{ weight: -1 }, "camera.weight is -1"],
  [{ floorFps: 241 }, "camera.floor_fps is 241; expected 0 (none) to 240"],
  [{ floorFps: 6, targetFps: 5 }, "more than the 5 frames/s of camera.target_fps"],
  [{ priority: 101 }, "camera.priority is 101; expected -100 to 100"],
])("%j is refused", async (settings, message) => {
  await expect(
    results.client.cameras.register("front", { uri: "rtsp://cam/x", ...settings }),
  ).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    message: expect.stringContaining(message),
  });
});

test("a floor stays within the target also when only the target changes", async () => {
  const { cameras } = results.client;
  await cameras.register("front", { uri: "rtsp://cam/x", floorFps: 4 });
  await expect(cameras.update("front", { targetFps: 3 })).rejects.toMatchObject({
    reason: "invalid_argument",
  });
  await cameras.update("front", { targetFps: 3, floorFps: 3 });
});

test("a floor that the workers cannot promise is refused with the numbers, whatever its priority", async () => {
  const { cameras } = results.client;
  const uri = "rtsp://cam/x";
  await cameras.register("gate", { uri, floorFps: 10 });
  await expect(cameras.register("yard", { uri, floorFps: 9, priority: 100 })).rejects.toMatchObject({
    code: "FAILED_PRECONDITION",
    reason: "floor_not_promised",
    message:
      "camera.floor_fps 9 cannot be promised: the workers of model 'yolo-nas-pedestrians' run 20.0 frames/s, of which 18.0 may be promised, " +
      "and the floor of another camera takes 10.0; ask for at most 8.0, lower another floor, or start another worker",
  });
  await cameras.register("yard", { uri, floorFps: 8 });
  await expect(cameras.update("gate", { floorFps: 11 })).rejects.toMatchObject({
    reason: "floor_not_promised",
  });
  // What was promised can be lowered, and all else be changed.
  await cameras.update("gate", { minScore: 0.5 });
  await cameras.update("gate", { floorFps: 9 });
});

test("of floors that are asked for at once no more are taken than can be promised", async () => {
  const { cameras } = results.client;
  const outcomes = await Promise.allSettled(
    Array.from({ length: 6 }, (_, i) => cameras.register(`c${i}`, { uri: "rtsp://cam/x", floorFps: 5 })),
  );
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
});

test("two processes that are asked at once take no more floors together than can be promised", async () => {
  const { server } = results;
  const other = new KillableResults(server.url, `127.0.0.1:${await freePort()}`);
  other.start();
  const second = connect(other.address);
  onTestFinished(async () => {
    second.close();
    await other.kill("SIGTERM");
  });
  const uri = "rtsp://cam/x";
  await vi.waitUntil(() => second.cameras.register("ready", { uri }).then(Boolean, () => false), patience);
  const clients = [results.client, second];
  for (let round = 0; round < 10; round++) {
    // Of 18 frames/s three floors of 5 can be had, of six that both are asked for.
    const floors = await Promise.allSettled(
      clients.flatMap(({ cameras }, at) =>
        [0, 1, 2].map((i) => cameras.register(`c${at}-${i}`, { uri, floorFps: 5 })),
      ),
    );
    const taken = floors.flatMap((floor) => (floor.status === "fulfilled" ? [floor.value] : []));
    expect(taken).toHaveLength(3);
    for (const floor of floors)
      if (floor.status === "rejected") expect(floor.reason).toMatchObject({ reason: "floor_not_promised" });
    // Changes, too: of two cameras without a floor one gets it.
    const [one, two] = [clients[round % 2]!, clients[(round + 1) % 2]!];
    await one.cameras.register("late1", { uri });
    await two.cameras.register("late2", { uri });
    const late = (at: number, client: SightlineClient) =>
      vi.waitFor(() => client.cameras.get(`late${at}`), patience);
    await Promise.all([late(2, one), late(1, two)]);
    const changes = await Promise.allSettled([
      one.cameras.update("late2", { floorFps: 2 }),
      two.cameras.update("late1", { floorFps: 2 }),
    ]);
    expect(changes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const { name } of await Array.fromAsync(one.cameras.list()))
      if (!name.endsWith("ready")) await one.cameras.delete(name.replace("cameras/", ""));
  }
});

test("what another process claimed when a floor was refused counts no more when it is taken back", async () => {
  const { cameras } = results.client;
  const uri = "rtsp://cam/x";
  const claim = { id: "c", camera: "elsewhere", model, floorFps: 15, time: Date.now() };
  await results.buckets.floorClaims.put("claims", encodeJson([claim]));
  await cameras.register("yard", { uri });
  const refused = { reason: "floor_not_promised" };
  await expect(cameras.register("gate", { uri, floorFps: 5 })).rejects.toMatchObject(refused);
  await results.buckets.floorClaims.put("claims", encodeJson([]));
  expect(await cameras.update("yard", { floorFps: 5 })).toMatchObject({ floorFps: 5 });
});

test("when workers are lost, promises stay as they are, and new ones are refused", async () => {
  const { cameras } = results.client;
  const uri = "rtsp://cam/x";
  await cameras.register("gate", { uri, floorFps: 10 });
  await serve(8);
  await expect(cameras.register("yard", { uri, floorFps: 1 })).rejects.toMatchObject({
    message: expect.stringContaining("takes 10.0; lower another floor, or start another worker"),
  });
  expect(await cameras.update("gate", { floorFps: 9, minScore: 0.5 })).toMatchObject({ floorFps: 9 });
});

test("without a worker a floor is taken, and it is said that it could not be checked", async () => {
  await serve(0);
  const told = collect();
  await results.client.cameras.register("front", { uri: "rtsp://cam/x", floorFps: 100 }, told);
  expect(told.warnings).toEqual([expect.stringMatching(/^the floor of 100 frames\/s could not be checked/)]);
});

test("who asks for more than the workers can run is told so, and is served", async () => {
  const { cameras } = results.client;
  const told = collect();
  const uri = "rtsp://cam/x";
  await cameras.register("one", { uri, targetFps: 15 }, told);
  expect(told.warnings).toEqual([]);
  await cameras.register("two", { uri, targetFps: 15 }, told);
  expect(told.warnings).toEqual([
    "the cameras of model 'yolo-nas-pedestrians' ask for 30.0 frames/s and its workers run 20.0: frames are left out, by the cameras' weights; " +
      "ask for fewer frames per second, or start another worker",
  ]);
  const other = collect();
  await cameras.update("two", { minScore: 0.5 }, other);
  await cameras.update("two", { targetFps: 5 }, other);
  expect(other.warnings).toEqual([]);
});
