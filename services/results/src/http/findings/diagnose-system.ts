import type { HttpCamera, HttpFinding, HttpSample, HttpSystem } from "@sightline/contracts";
import { byteText, diskText, faultText, isDiskFull, siteFault } from "@sightline/service";
import { percent } from "./advice.ts";
import { heldUpFix, saturated, unservedBy, unservedFix, worstFirst } from "./diagnose-camera.ts";
import { findUnanalysedCameras } from "./shortfalls.ts";

type Situation = Omit<HttpSystem, "findings"> & {
  /** Whether any process analyses cameras. */
  analysed: boolean;
};
type CameraSituation = Pick<HttpCamera, "id" | "model" | "status"> & { unanalysed?: boolean };

/** Share of the requested age below which a full stream's size limit is reported. */
const shortAge = 0.9;
const full = 0.95;

/** What is wrong with the whole system and where its bottleneck is, worst first; never empty. `samples` are the last seconds of each camera. */
export function diagnoseSystem(
  system: Situation,
  cameras: readonly CameraSituation[],
  samples: ReadonlyMap<string, readonly HttpSample[]>,
  now: number = Date.now(),
): HttpFinding[] {
  const findings = [
    ...findNats(system),
    ...findStorage(system),
    ...findNoAnalysis(system, cameras),
    ...findMissingWorkers(system, cameras),
    ...findUnservedModels(system, cameras),
    ...findDark(cameras),
    ...findUntaken(system, cameras),
    ...findUnanalysedCameras(cameras.filter(({ unanalysed }) => unanalysed).map(({ id }) => id)),
    ...findBottleneck(system, cameras, samples),
    ...findFullStreams(system, now),
    ...findSites(system),
  ];
  if (findings.length === 0)
    findings.push({
      level: "ok",
      text: allWell(system, cameras),
      fix: cameras.length + system.sites.length === 0 ? addCamera : "",
    });
  return worstFirst(findings);
}

const addCamera = "Add a camera here, or with 'sightline camera add'.";

function* findNats({ nats }: Situation): Generator<HttpFinding> {
  if (nats.connected) return;
  yield {
    level: "error",
    text: "NATS does not answer: no frame moves until it does.",
    fix: "Start NATS, or check SIGHTLINE_NATS_URL; every service connects again by itself.",
  };
}

/** What NATS cannot store, and whether the reason is a lack of space. */
function* findStorage({ nats, storage, streams }: Situation): Generator<HttpFinding> {
  if (!nats.connected && storage.faults.length === 0) return;
  const { faults, disk } = storage;
  const isFull = disk !== null && isDiskFull(disk);
  const [first] = faults;
  if (!first && !isFull) return;
  const held = sum(streams, ({ bytes }) => bytes);
  const facts = [
    ...(disk ? [diskText(disk)] : []),
    ...(held > 0 ? [`JetStream holds ${byteText(held)}`] : []),
  ].join(", ");
  const because = isFull ? "The disk of NATS is full" : "NATS does not do its work";
  const what = first ? `: ${faultText({ ...first, code: first.code ?? undefined, since: 0 })}` : "";
  const others = [...new Set(faults.map(({ stream }) => stream))].filter(
    (stream) => stream !== first?.stream,
  );
  yield {
    level: "error",
    text: `${because}${what}${others.length > 0 ? `; also ${listed(others)}` : ""}${facts ? ` (${facts})` : ""}.`,
    fix:
      first?.lacks === "keeps"
        ? damageFix(first.stream)
        : isFull
          ? "Make room on this disk, or lower the SIGHTLINE_*_MAX_BYTES limits. ./sightline up restarts NATS by itself when there is room; elsewhere restart it then if it still refuses (docker compose restart nats)."
          : "Restart NATS if this lasts (docker compose restart nats); ./sightline up does so by itself. Look at its log for the cause: a full disk, max_file_store, or damaged files.",
  };
}

function damageFix(stream: string): string {
  return stream.startsWith("OBJ_")
    ? `Pictures that are taken now are lost. Remove the store with 'nats stream rm ${stream}': results makes it anew within seconds, without the old pictures. Look at the disk of NATS.`
    : "Results puts aside what can be read and repairs this by itself within seconds; if it lasts, its log says why. Look at the disk of NATS.";
}

function* findNoAnalysis(
  { nats, storage, analysed }: Situation,
  cameras: readonly CameraSituation[],
): Generator<HttpFinding> {
  // Analyses announce themselves through JetStream.
  if (analysed || cameras.length === 0 || !nats.connected || storage.faults.length > 0) return;
  yield {
    level: "error",
    text: "No process analyses what is detected, so there are no tracks and no events.",
    fix: "Start the service analysis; or set SIGHTLINE_ANALYSIS=here for results and restart it: then it does both.",
  };
}

function* findMissingWorkers(
  { workers, nats, storage }: Situation,
  cameras: readonly CameraSituation[],
): Generator<HttpFinding> {
  // Workers announce themselves through JetStream.
  if (!nats.connected || storage.faults.length > 0) return;
  const served = new Set(
    workers.flatMap(({ model, loadable = [], unserved = [] }) => [
      ...[model, ...loadable],
      // Those models have findings of their own.
      ...unserved.map((other) => other.model),
    ]),
  );
  const missing = [...new Set(cameras.map(({ model }) => model))].filter((model) => !served.has(model));
  for (const model of missing.sort()) {
    const count = cameras.filter((camera) => camera.model === model).length;
    yield {
      level: "error",
      text: `No inference worker serves the model '${model}' that ${plural(count, "camera")} ${count === 1 ? "uses" : "use"}.`,
      fix: `Start an inference service with SIGHTLINE_MODEL=${model}, or give these cameras another model.`,
    };
  }
}

/** Models that workers should serve but cannot. */
function* findUnservedModels(
  { workers }: Situation,
  cameras: readonly CameraSituation[],
): Generator<HttpFinding> {
  const served = new Set(workers.map(({ model }) => model));
  const asked = new Set(cameras.map(({ model }) => model));
  for (const model of [...asked].filter((name) => !served.has(name)).sort()) {
    const [first] = unservedBy(workers, model);
    if (first === undefined) continue;
    yield {
      level: "error",
      text: `The model '${model}' is not loaded, so its cameras are not analysed: ${first}.`,
      fix: unservedFix,
    };
  }
}

function* findDark(cameras: readonly CameraSituation[]): Generator<HttpFinding> {
  const dark = cameras.filter(({ status }) => status.state === "down").map(({ id }) => id);
  if (dark.length === 0) return;
  yield {
    level: "error",
    text: `${dark.length} of ${plural(cameras.length, "camera")} ${dark.length === 1 ? "gives" : "give"} no frames: ${listed(dark)}.`,
    fix: "Open the camera's page: it says why, and what to do.",
  };
}

/** Cameras without an ingest, or that an ingest is still connecting to. */
function* findUntaken(
  { nats, storage }: Situation,
  cameras: readonly CameraSituation[],
): Generator<HttpFinding> {
  const of = (state: HttpCamera["status"]["state"]) => cameras.filter(({ status }) => status.state === state);
  const pending = of("pending");
  // Ingest takes cameras and reports their state through JetStream.
  if (pending.length > 0 && nats.connected && storage.faults.length === 0)
    yield {
      // The status is stored: a camera with an ingest in it has lost that ingest.
      level: pending.some(({ status }) => status.ingest !== "") ? "error" : "warning",
      text: `No ingest service has ${pending.length} of ${plural(cameras.length, "camera")}: ${listed(pending.map(({ id }) => id))}.`,
      fix: "If it stays so, start an ingest service, or restart the one that is silent (./sightline up has one), and look at its /readyz.",
    };
  const connecting = of("connecting").map(({ id }) => id);
  if (connecting.length > 0)
    yield {
      level: "warning",
      text: `${connecting.length} of ${plural(cameras.length, "camera")} ${connecting.length === 1 ? "is" : "are"} being connected: ${listed(connecting)}.`,
      fix: "Wait for their first key frames.",
    };
}

/** Workers without room, and the frames dropped before them. */
function* findBottleneck(
  { workers }: Situation,
  cameras: readonly CameraSituation[],
  samples: ReadonlyMap<string, readonly HttpSample[]>,
): Generator<HttpFinding> {
  const models = [...new Set(cameras.map(({ model }) => model))].sort();
  for (const model of models) {
    const of = cameras.filter((camera) => camera.model === model);
    const seconds = of.flatMap(({ id }) => samples.get(id) ?? []);
    const wanted = sum(seconds, (s) => s.captured - (s.dropped.sampled_out ?? 0));
    const late = sum(seconds, (s) => (s.dropped.superseded ?? 0) + (s.dropped.stale ?? 0));
    // Frames captured before these seconds may be dropped in them.
    const settled = late + sum(seconds, (s) => s.inferred);
    const serving = workers.filter((worker) => worker.model === model);
    if (serving.length === 0) continue;
    const busy = serving.every(({ utilization }) => utilization >= saturated);
    const share = settled > 0 ? late / Math.max(wanted, settled) : 0;
    if (busy)
      yield {
        level: share >= 0.05 ? "error" : "warning",
        text: `Inference is the bottleneck: ${serving.length === 1 ? "the worker" : `all ${serving.length} workers`} of model '${model}' ${serving.length === 1 ? "has" : "have"} no room left${share >= 0.05 ? `, and ${percent(share)} of the frames are dropped before them` : ""}.`,
        fix: "Add an inference worker, lower the frames per second of some cameras, or use a smaller model.",
      };
    else if (share >= 0.05)
      yield {
        level: "warning",
        text: `${percent(share)} of the frames for model '${model}' are dropped though its workers have room.`,
        fix: heldUpFix,
      };
  }
}

function* findFullStreams({ streams }: Situation, now: number): Generator<HttpFinding> {
  for (const { name, bytes, maxBytes, maxAgeSeconds, oldestTime } of streams) {
    if (maxBytes === 0 || bytes < full * maxBytes || oldestTime === null) continue;
    const age = (now - Date.parse(oldestTime)) / 1000;
    if (maxAgeSeconds > 0 && age >= shortAge * maxAgeSeconds) continue;
    yield {
      level: "warning",
      text: `The stream ${name} is full: it reaches back ${hours(age)} only${maxAgeSeconds > 0 ? ` instead of ${hours(maxAgeSeconds)}` : ""}.`,
      fix: "Give it more room (SIGHTLINE_DETECTIONS_MAX_BYTES), or expect subscribers that were away longer to miss what was dropped.",
    };
  }
}

function allWell({ workers, sites }: Situation, cameras: readonly CameraSituation[]): string {
  if (cameras.length === 0)
    return sites.length === 0
      ? "There are no cameras yet."
      : `All is well: ${plural(sites.length, "site")} ${sites.length === 1 ? "is" : "are"} heard.`;
  const live = cameras.filter(({ status }) => status.state === "live").length;
  return `All is well: ${live} of ${plural(cameras.length, "camera")} ${live === 1 ? "is" : "are"} live, ${plural(workers.length, "worker")} ${workers.length === 1 ? "has" : "have"} room.`;
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(", ");
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}

function hours(seconds: number): string {
  return seconds < 3600 ? `${Math.round(seconds / 60)} minutes` : `${Math.round(seconds / 360) / 10} hours`;
}

/** What is wrong with the sites whose events are copied here. */
export function* findSites({ sites }: Pick<HttpSystem, "sites">): Generator<HttpFinding> {
  for (const site of sites) {
    const fault = siteFault(site);
    if (!fault) continue;
    const { kind, text, fix } = fault;
    yield { level: kind === "clash" ? "error" : "warning", text: `${text}.`, fix };
  }
}
