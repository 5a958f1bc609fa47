import type { HttpCamera, HttpSystem } from "@sightline/contracts";
import { expect, test } from "vitest";
import { diagnoseSystem } from "./diagnose-system.ts";

const now = Date.parse("2026-01-02T00:00:00Z");

type Situation = HttpSystem & { analysed: boolean };

function system(parts: Partial<Situation> = {}): Situation {
  return {
    version: "1",
    nats: { connected: true, version: "2", cluster: "" },
    workers: [],
    models: [],
    streams: [],
    storage: { faults: [], disk: null },
    sites: [],
    analysed: true,
    findings: [],
    ...parts,
  };
}

function worker(utilization: number): HttpSystem["workers"][number] {
  return {
    id: "w",
    host: "h",
    model: "people",
    modelDigest: "",
    precision: "int8",
    executionProvider: "cpu",
    batchSize: 1,
    batchCurve: [],
    startTime: "",
    utilization,
    framesPerSecond: 1,
    meanBatchSize: 1,
  };
}

function camera(id: string, state: HttpCamera["status"]["state"] = "live") {
  return { id, model: "people", status: { state } as HttpCamera["status"] };
}

function samples(ids: string[], dropped: Record<string, number>) {
  const sample = { timeMs: 0, captured: 100, inferred: 0, dropped, latencyMs: null, stagesMs: {}, tracks: 0 };
  return new Map(ids.map((id) => [id, [sample]]));
}

test("a system at which nothing is the matter, and one without cameras", () => {
  expect(
    diagnoseSystem(system({ workers: [worker(0.5)] }), [camera("a"), camera("b")], new Map(), now),
  ).toEqual([{ level: "ok", text: "All is well: 2 of 2 cameras are live, 1 worker has room.", fix: "" }]);
  expect(diagnoseSystem(system(), [], new Map(), now)).toMatchObject([
    { level: "ok", text: "There are no cameras yet.", fix: expect.stringContaining("camera add") },
  ]);
});

test("nobody analyses: what to start; where there are no cameras, nobody need", () => {
  const alone = system({ workers: [worker(0.5)], analysed: false });
  expect(diagnoseSystem(alone, [camera("a")], new Map(), now)).toMatchObject([
    {
      level: "error",
      text: expect.stringContaining("No process analyses"),
      fix: expect.stringContaining("SIGHTLINE_ANALYSIS=here"),
    },
  ]);
  expect(diagnoseSystem(alone, [], new Map(), now)).toMatchObject([{ level: "ok" }]);
});

test("NATS away: that, and not what follows from it", () => {
  const away = system({ nats: { connected: false, version: "", cluster: "" } });
  expect(diagnoseSystem(away, [camera("a")], new Map(), now)).toMatchObject([
    { level: "error", text: expect.stringContaining("NATS does not answer") },
  ]);
});

test("a model without worker, and dark cameras by name", () => {
  const cameras = ["a", "b", "c", "d", "e", "f", "g"].map((id) => camera(id, "down"));
  const findings = diagnoseSystem(system(), [...cameras, camera("h")], new Map(), now);
  expect(findings.map(({ text }) => text)).toEqual([
    "No inference worker serves the model 'people' that 8 cameras use.",
    "7 of 8 cameras give no frames: a, b, c, d, e and 2 more.",
  ]);
});

test("a model that workers could load is not missing; one that they cannot is named with the reason", () => {
  const of = (more: object) =>
    diagnoseSystem(
      system({ workers: [{ ...worker(0.2), model: "cars", ...more }] }),
      [camera("a")],
      new Map(),
      now,
    );
  expect(of({ loadable: ["people"] })).toMatchObject([{ level: "ok" }]);
  expect(of({ unserved: [{ model: "people", why: "it is broken" }] })).toMatchObject([
    {
      level: "error",
      text: "The model 'people' is not loaded, so its cameras are not analysed: it is broken.",
    },
  ]);
});

test("cameras that no ingest has, or that are being connected, are not well", () => {
  const of = (state: HttpCamera["status"]["state"], ingest: string, parts: Partial<HttpSystem> = {}) => {
    const status = { state, ingest } as HttpCamera["status"];
    const cameras = [camera("a"), { ...camera("b"), status }];
    return diagnoseSystem(system({ workers: [worker(0.5)], ...parts }), cameras, new Map(), now);
  };
  const pending = "No ingest service has 1 of 2 cameras: b.";
  expect(of("pending", "i1")).toMatchObject([{ level: "error", text: pending }]);
  expect(of("pending", "")).toMatchObject([{ level: "warning", text: pending }]);
  expect(of("connecting", "i1")).toMatchObject([
    { level: "warning", text: "1 of 2 cameras is being connected: b." },
  ]);
  const away = { nats: { connected: false, version: "", cluster: "" } };
  expect(of("pending", "i1", away)).toMatchObject([{ text: expect.stringContaining("NATS") }]);
});

test("the bottleneck: workers without room, an error once frames are lost to it", () => {
  const cameras = [camera("a"), camera("b")];
  const of = (workers: HttpSystem["workers"], dropped: Record<string, number>) =>
    diagnoseSystem(system({ workers }), cameras, samples(["a", "b"], dropped), now);
  expect(of([worker(0.95)], { superseded: 30, sampled_out: 40 })).toMatchObject([
    {
      level: "error",
      text: expect.stringMatching(/bottleneck: the worker .* 50% of the frames are dropped/),
    },
  ]);
  expect(of([worker(0.95), worker(0.99)], {})).toMatchObject([
    { level: "warning", text: expect.stringContaining("all 2 workers of model 'people' have no room left") },
  ]);
  expect(of([worker(0.95), worker(0.2)], { stale: 10 })).toMatchObject([
    { level: "warning", text: expect.stringContaining("though its workers have room") },
  ]);
});

test("no more than all frames are dropped, though some of them were captured before the seconds that are looked at", () => {
  const late = new Map([["a", samples(["a"], { stale: 90, sampled_out: 55 }).get("a")!]]);
  const [finding] = diagnoseSystem(system({ workers: [worker(0.2)] }), [camera("a")], late, now);
  const [, told] = /^(\d+)% of the frames/.exec(finding!.text)!;
  expect(Number(told)).toBeLessThanOrEqual(100);
});

test("a stream that is full before its age is told with how far it reaches back", () => {
  const stream = {
    name: "TIMELINE",
    messages: 1,
    bytes: 99,
    maxBytes: 100,
    maxAgeSeconds: 86_400,
    oldestTime: "2026-01-01T21:00:00Z",
    consumers: 0,
  };
  const of = (change: Partial<typeof stream>) =>
    diagnoseSystem(system({ streams: [{ ...stream, ...change }] }), [], new Map(), now);
  expect(of({})).toMatchObject([
    {
      level: "warning",
      text: "The stream TIMELINE is full: it reaches back 3 hours only instead of 24 hours.",
    },
  ]);
  for (const change of [{ bytes: 50 }, { maxBytes: 0 }, { oldestTime: "2026-01-01T00:30:00Z" }])
    expect(of(change)).toMatchObject([{ level: "ok" }]);
});

test("a full disk is named with its stream, and not the workers that can announce themselves no more", () => {
  const disk = { directory: "/data", freeBytes: 0, sizeBytes: 20 * 1024 ** 3 };
  const fault = { stream: "TIMELINE", lacks: "takes", code: 10077, sinceTime: "" } as const;
  const reason = "no space left on device";
  const full = system({ storage: { faults: [{ ...fault, reason }], disk } });
  expect(diagnoseSystem(full, [camera("a")], new Map(), now)).toMatchObject([
    {
      level: "error",
      text: "The disk of NATS is full: the stream TIMELINE takes no messages: no space left on device (code 10077) (the disk of /data has 0 MiB of 20 GiB free).",
      fix: expect.stringContaining("Make room"),
    },
  ]);
  const silent = { ...fault, lacks: "gives", reason: "JetStream gives no answer", code: null } as const;
  const hung = system({ storage: { faults: [silent, { ...silent, stream: "EVENTS" }], disk: null } });
  expect(diagnoseSystem(hung, [], new Map(), now)).toMatchObject([
    { text: expect.stringContaining("TIMELINE cannot be read: JetStream gives no answer; also EVENTS") },
  ]);
  const filling = system({ storage: { faults: [], disk }, workers: [worker(0.1)] });
  expect(diagnoseSystem(filling, [], new Map(), now)).toMatchObject([{ level: "error" }]);
});

test("a site that is silent is told, one whose line was cut a moment ago is not, and one whose cameras clash is an error", () => {
  const site = { name: "north", up: true, silentSeconds: 1, pending: 0, clash: null, failure: null };
  const of = (change: Partial<HttpSystem["sites"][number]>) =>
    diagnoseSystem(system({ sites: [{ ...site, ...change }] }), [], new Map(), now);
  for (const change of [{}, { up: false, pending: null }])
    expect(of(change)).toEqual([{ level: "ok", text: "All is well: 1 site is heard.", fix: "" }]);
  expect(of({ up: false, pending: null, silentSeconds: 300 })).toMatchObject([
    { level: "warning", text: expect.stringContaining("The site north has not been heard for 5 min") },
  ]);
  expect(of({ up: false, pending: null, clash: "north-door" })).toMatchObject([
    { level: "error", fix: expect.stringContaining("remove north-door") },
  ]);
  expect(of({ up: false, pending: null, failure: "maximum bytes exceeded" })).toMatchObject([
    {
      level: "warning",
      text: "What comes from the site north cannot be stored here: maximum bytes exceeded.",
      fix: expect.stringMatching(/^The site and its line are well\. Look at NATS of this centre/),
    },
  ]);
});
