import type { HttpCamera } from "@sightline/contracts";
import { defaultOf, type PlainName, plainSettings } from "@sightline/contracts/camera-settings";
import { labelledStatus, type PlainStatusName } from "@sightline/contracts/camera-status";
import { labelTexts } from "@sightline/contracts/labels";
import { secondStagesText } from "../camera-form/form-values.ts";
import type { CameraState } from "../state/cameras.ts";
import { stateName } from "../words/names.ts";
import {
  formatCount,
  formatFps,
  formatFullTime,
  formatMs,
  formatShare,
  plural,
} from "../words/numbers-and-times.ts";

const decoderNames: Readonly<Record<string, string>> = {
  cuda: "NVIDIA GPU (NVDEC)",
  vaapi: "GPU by VA-API",
  software: "software",
};

function decoderText({ decoder, decoderNote }: HttpCamera["status"]): string {
  const name = decoderNames[decoder] ?? "not known yet";
  return decoderNote === "" ? name : `${name} (${decoderNote})`;
}

const modeNames = { off: "off", events: "around events", continuous: "always" };

function recordingText({ recording, status }: HttpCamera): string {
  const { mode, maxAgeDays, eventsMaxAgeDays, audio } = recording;
  const inEffect = mode === "default" ? status.recording?.mode : mode;
  const parts = [
    `${inEffect ? modeNames[inEffect] : "as the server is set"}${mode === "default" && inEffect ? " (as the server is set)" : ""}`,
    maxAgeDays > 0 ? `kept ${maxAgeDays} days` : "",
    eventsMaxAgeDays > 0 ? `events ${eventsMaxAgeDays} days` : "",
    audio ? "with sound" : "",
    status.recording?.message ?? "",
    status.recording?.soundMessage ?? "",
  ];
  return parts.filter((part) => part !== "").join(", ");
}

function masksText({ privacyMasks, maskedVideo }: HttpCamera): string {
  if (privacyMasks.length === 0) return "none";
  return `${plural(privacyMasks.length, "mask")}; video is ${maskedVideo === "off" ? "not shown or kept" : "re-encoded, masked"}`;
}

function credentialsText(areStored: boolean): string {
  return areStored ? "stored, never shown" : "none";
}

const streamStates = {
  pending: "not received, since nothing wants it",
  connecting: "connecting",
  live: "live",
  down: "down",
};

/** Facts about the recorded stream, if it is not the analysed one. */
function recordRows({ recordUri, hasRecordCredentials, status }: HttpCamera): [string, string][] {
  if (recordUri === "") return [];
  const stream = status.recording?.stream;
  const size = stream && stream.width > 0 ? `, ${stream.codec}, ${stream.width} × ${stream.height}` : "";
  return [
    ["Recorded from", recordUri],
    ["Its credentials", credentialsText(hasRecordCredentials)],
    ["Recorded stream", stream ? `${streamStates[stream.state]}${size}` : "not known yet"],
  ];
}

/** Numbers and choices that other rows show. */
const toldApart: ReadonlySet<PlainName> = new Set([
  "decode",
  "targetFps",
  "floorFps",
  "priority",
  "maskedVideo",
]);

/** The other numbers and choices; those for overload only if they differ from the default. */
function plainRows(camera: HttpCamera): [string, string][] {
  return plainSettings.flatMap(([name, setting]): [string, string][] => {
    const value = camera[name];
    const isDefault = value === defaultOf(setting);
    if (toldApart.has(name) || (isDefault && setting.part === "overload")) return [];
    if (setting.kind === "choice") return [[setting.label, setting.choices[value] ?? String(value)]];
    return [[setting.label, isDefault ? (setting.zero ?? String(value)) : String(value)]];
  });
}

/** Of the status, what only the commands show. */
const notShown: ReadonlySet<PlainStatusName> = new Set(["epoch"]);

/** What the status has under a label. */
function statusRows(status: HttpCamera["status"]): [string, string][] {
  return labelledStatus.flatMap(([name, { label, empty = "" }]): [string, string][] => {
    const value = status[name];
    if (notShown.has(name)) return [];
    return [[label, typeof value === "number" ? formatCount(value) : value || empty]];
  });
}

/** What the camera gets before others, if anything. */
function floorRows({ floorFps, priority, status }: HttpCamera): [string, string][] {
  if (floorFps === 0) return [];
  const held =
    status.promisedFps < floorFps ? `, the workers can hold ${formatFps(status.promisedFps)} of it now` : "";
  const place = priority === 0 ? "" : `, priority ${priority}`;
  return [["Floor", `${floorFps} frames per second${place}${held}`]];
}

/** A camera's settings and the properties of its stream. */
export function CameraFacts({ camera }: { camera: HttpCamera }) {
  const { status } = camera;
  const size = status.sourceWidth > 0 ? `, ${status.sourceWidth} × ${status.sourceHeight}` : "";
  const rows: [string, string][] = [
    ["Address", camera.uri],
    ["Credentials", credentialsText(camera.hasCredentials)],
    ...recordRows(camera),
    ...plainRows(camera),
    ["Decoder", decoderText(status)],
    ["Stream", status.codec === "" ? "not known yet" : `${status.codec}${size}`],
    ["Model", camera.model],
    ["Classes", camera.classes.length > 0 ? camera.classes.join(", ") : "all of the model's"],
    ...(camera.secondStages.length > 0
      ? [["Second stages", secondStagesText(camera.secondStages)] as [string, string]]
      : []),
    ["Frames per second", camera.targetFps > 0 ? `at most ${camera.targetFps}` : "every frame"],
    ...floorRows(camera),
    ["Labels", labelTexts(camera.labels).join(", ") || "none"],
    ["Recording", recordingText(camera)],
    ["Privacy masks", masksText(camera)],
    ...statusRows(status),
    ["Registered", formatFullTime(camera.createTime)],
    ["Changed", formatFullTime(camera.updateTime)],
  ];
  return (
    <section class="panel" aria-labelledby="facts-title">
      <h2 id="facts-title">Settings and stream</h2>
      <dl class="facts">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** The few numbers that show how a camera is doing. */
export function CameraFigures({ state }: { state: CameraState }) {
  const { status, figures, targetFps, floorFps } = state.camera.value;
  const now = status.state === "live" ? figures : null;
  return (
    <dl class="figures" data-testid="figures">
      <Figure name="State" value={stateName(status)} />
      <Figure name="Captured" value={now ? `${formatFps(now.capturedFps)} fps` : "–"} />
      <Figure name="Asked" value={targetFps > 0 ? `${formatFps(targetFps)} fps` : "every frame"} />
      {floorFps > 0 && <Figure name="Promised" value={now ? `${formatFps(status.promisedFps)} fps` : "–"} />}
      <Figure name="Analysed" value={now ? `${formatFps(now.inferredFps)} fps` : "–"} />
      <Figure name="Latency p50" value={now?.latencyMs ? formatMs(now.latencyMs.p50) : "–"} />
      <Figure name="Latency p95" value={now?.latencyMs ? formatMs(now.latencyMs.p95) : "–"} />
      <Figure name="Lost" value={now ? formatShare(now.lostShare) : "–"} />
      <Figure name="Objects" value={now ? String(now.tracks) : "–"} />
    </dl>
  );
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
