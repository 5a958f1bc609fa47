import {
  type Camera,
  CameraReason,
  CameraState,
  type CameraStatus,
  cameraIdOf,
  cameraSettingsJson,
  cameraStatusJson,
  choiceNames,
  defaultOf,
  enumName,
  isUnknownChoice,
  labelledStatus,
  labelTexts,
  ledgerJson,
  type PlainName,
  type PlainSettings,
  type PlainStatus,
  plainSettings,
  RecordingMode,
  recordingStatusJson,
  toIso,
} from "@sightline/contracts";
import { shorten } from "@sightline/contracts/api";
import { textTable } from "../text-table.ts";

/** A camera as `--json` prints it; `name` is the plain id. */
export function cameraJson(camera: Camera) {
  const settings = cameraSettingsJson(camera);
  const { recording } = settings;
  const unknown = choiceNames.filter((choice) => isUnknownChoice(camera, choice));
  return {
    name: plainName(camera),
    ...settings,
    // From a server of a later version; the choice is not at its default.
    ...(Object.fromEntries(unknown.map((choice) => [choice, "unknown"])) as Partial<PlainSettings>),
    recording: {
      ...recording,
      mode: isKnown(RecordingMode, camera.recording?.mode ?? 0) ? recording.mode : "unknown",
    },
    createTime: toIso(camera.createTime),
    updateTime: toIso(camera.updateTime),
    etag: camera.etag,
    status: camera.status && statusJson(camera.status),
  };
}

const names = {
  mode: (mode: RecordingMode) => enumName(RecordingMode, mode) || "unknown",
  state: (state: CameraState) => enumName(CameraState, state) || "unknown",
  reason: (reason: CameraReason) =>
    reason === CameraReason.UNSPECIFIED ? null : enumName(CameraReason, reason) || "unknown",
};

function statusJson(status: CameraStatus) {
  const { ledger, recording } = status;
  const own = {
    state: names.state(status.state),
    reason: names.reason(status.reason),
    recording: recording && recordingStatusJson(recording, names),
    ledger: ledger && ledgerJson(ledger),
  };
  return cameraStatusJson(status, own, shorten);
}

/** Headings of the table; `rateHelp` explains the rates. */
const headings = ["NAME", "STATE", "FPS ASKED", "CAPTURED", "INFERRED", "MODEL", "URL", "WHY"];

/** What the rates of a camera mean, for the help of the commands that print them. */
export const rateHelp = `Frames per second:
  FPS ASKED  what --fps asks for, at most; "all" is every frame that the camera sends
  CAPTURED   what arrived from the camera in the last 5 s
  INFERRED   what the model has looked at in the last 5 s: at most what was asked for, fewer when frames are dropped`;

/** A table of cameras: a line of headings, then one line each. */
export function cameraTable(cameras: readonly Camera[]): string {
  const showsRecorded = cameras.some(({ recordUri }) => recordUri !== "");
  const heads = headings.flatMap((each) =>
    each === "WHY" && showsRecorded ? ["RECORDED FROM", each] : each,
  );
  return textTable([heads, ...cameras.map((camera) => cameraRow(camera, showsRecorded))]);
}

function cameraRow(camera: Camera, showsRecorded: boolean): string[] {
  const { status, targetFps, model, uri } = camera;
  return [
    plainName(camera),
    names.state(status?.state ?? CameraState.PENDING),
    asked(targetFps),
    status ? status.captureFps.toFixed(1) : "",
    status ? status.inferenceFps.toFixed(1) : "",
    model,
    uri,
    ...(showsRecorded ? [camera.recordUri] : []),
    status?.message ?? "",
  ];
}

/** One camera in lines `field  value`, using the words of the commands' options; empty fields are left out. */
export function cameraText(camera: Camera): string {
  const { name, uri, targetFps, status, ...settings } = cameraJson(camera);
  const rate = (value: number | undefined) => (value === undefined ? "" : value.toFixed(1));
  const counts = Object.entries(status?.ledger?.dropped ?? {}).map(([why, count]) => `${why} ${count}`);
  const lines: [string, string | number | null | undefined][] = [
    ["name", name],
    ["url", uri],
    ["password", settings.hasCredentials ? "stored" : "none"],
    ["record url", settings.recordUri],
    ["its password", settings.recordUri && (settings.hasRecordCredentials ? "stored" : "none")],
    ["model", settings.model],
    ["classes", settings.classes.join(", ") || "all"],
    ...plainLines({ ...settings, targetFps }),
    [
      "then",
      settings.secondStages
        .map((stage) => [stage.model, stage.classes.join(",")].filter((part) => part !== "").join(":"))
        .join(", "),
    ],
    ["labels", labelTexts(settings.labels).join(", ")],
    ["state", status?.state],
    ["reason", status?.reason],
    ["why", status?.message],
    ["picture", status?.sourceWidth ? `${status.sourceWidth}×${status.sourceHeight} ${status.codec}` : ""],
    ["decoder", status?.decoderNote ? `${status.decoder} (${status.decoderNote})` : status?.decoder],
    ["recording", recordingText(settings.recording, status?.recording)],
    ["its stream", recordStreamText(settings.recordUri, status)],
    ["privacy masks", masksText(settings.privacyMasks)],
    ["masked video", settings.privacyMasks.length > 0 ? settings.maskedVideo : ""],
    ["fps asked", asked(targetFps)],
    ["fps captured", rate(status?.captureFps)],
    ["fps inferred", rate(status?.inferenceFps)],
    ["floor", floorText(settings.floorFps, settings.priority, status?.promisedFps)],
    ["last frame", status?.lastFrameTime],
    [
      "frames",
      status?.ledger &&
        `${status.ledger.captured} captured, ${status.ledger.inferred} inferred, ${status.ledger.inFlight} in flight`,
    ],
    ["dropped", counts.join(", ")],
    ...statusLines(status),
    ["created", settings.createTime],
    ["updated", settings.updateTime],
    ["etag", settings.etag],
  ];
  return lines
    .filter(([, value]) => value !== undefined && value !== null && value !== "")
    .map(([field, value]) => `${field.padEnd(13)} ${value}`)
    .join("\n");
}

/** Numbers and choices that other lines show. */
const toldApart: ReadonlySet<PlainName> = new Set(["targetFps", "floorFps", "priority", "maskedVideo"]);

/** The other numbers and choices that are not at their default, each under its option's name. */
function plainLines(settings: PlainSettings): [string, string | number][] {
  return plainSettings.flatMap(([name, setting]): [string, string | number][] => {
    if (toldApart.has(name) || settings[name] === defaultOf(setting)) return [];
    const option = setting.option.replace(/^--| .*/g, "").replaceAll("-", " ");
    return [[option, settings[name]]];
  });
}

/** What the status has under a label, and no other line shows. */
function statusLines(status: PlainStatus | undefined): [string, string | number | null][] {
  return status ? labelledStatus.map(([name, field]) => [field.label.toLowerCase(), status[name]]) : [];
}

/** The guaranteed frames, and how much of them is held. */
function floorText(floorFps: number, priority: number, promisedFps: number | undefined): string {
  if (floorFps === 0) return "";
  const parts = [
    `${floorFps} frames/s`,
    priority === 0 ? "" : `priority ${priority}`,
    promisedFps !== undefined && promisedFps < floorFps
      ? `the workers can hold ${promisedFps.toFixed(1)} of it now`
      : "",
  ];
  return parts.filter((part) => part !== "").join(", ");
}

/** Masks in the form for `--privacy-mask`. */
function masksText(masks: readonly number[][][]): string {
  return masks.map((mask) => `"${mask.map((corner) => corner.join(",")).join(" ")}"`).join(", ");
}

/** What is recorded, how long it is kept, and what exists or why nothing is written. */
function recordingText(
  { mode, maxAgeDays, eventsMaxAgeDays, audio }: ReturnType<typeof cameraJson>["recording"],
  status: ReturnType<typeof statusJson>["recording"],
): string {
  const parts = [
    mode === "default" && status ? `${status.mode} (the server's default)` : mode,
    maxAgeDays > 0 ? `kept ${maxAgeDays} days` : "",
    eventsMaxAgeDays > 0 ? `events kept ${eventsMaxAgeDays} days` : "",
    audio ? "with sound" : "",
    status && status.bytes > 0 ? `${(status.bytes / 2 ** 20).toFixed(0)} MiB since ${status.oldestTime}` : "",
    status?.message ?? "",
    status?.soundMessage ?? "",
  ];
  return parts.filter((part) => part !== "").join(", ");
}

/** State of the recorded stream, if it is not the analysed one. */
function recordStreamText(uri: string, status: ReturnType<typeof statusJson> | undefined): string {
  const stream = status?.recording?.stream;
  if (uri === "" || !status?.recording) return "";
  if (!stream) return "the analysed one: this camera's ingest knows of no other";
  const { state, message, codec, width, height, captureFps, reconnects } = stream;
  const parts = [
    state === "pending" ? "not received, since nothing wants it" : state,
    codec === "" ? "" : `${width}×${height} ${codec}`,
    captureFps > 0 ? `${captureFps.toFixed(1)} frames/s` : "",
    reconnects > 0 ? `${reconnects} reconnects` : "",
    message,
  ];
  return parts.filter((part) => part !== "").join(", ");
}

function asked(targetFps: number): string {
  return targetFps === 0 ? "all" : String(targetFps);
}

function plainName(camera: Camera): string {
  return cameraIdOf(camera.name) ?? camera.name;
}

function isKnown(values: Record<string, number>, value: number): boolean {
  return Object.values(values).includes(value);
}

/** Prints the server's warnings about an accepted camera on standard error. */
export function printWarnings(warnings: readonly string[]): void {
  for (const warning of warnings) console.error(`sightline: ${warning}`);
}

/** Warns on standard error about class names that nobody could check, since a misspelled one finds nothing. */
export function warnUncheckedClasses(classes: readonly string[]): void {
  console.error(
    `sightline: no worker serves the camera's model now, so these class names were not checked: ${classes.join(", ")}`,
  );
}
