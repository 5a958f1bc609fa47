import {
  type Camera,
  CameraReason,
  CameraState,
  type CameraStatus,
  cameraIdOf,
  dropReasonLabel,
  shorten,
  Transport,
  toIso,
} from "@sightline/contracts";

/** What `--json` prints of a camera; `name` is the plain one. */
export function cameraJson(camera: Camera) {
  return {
    name: plainName(camera),
    uri: camera.uri,
    transport: label(Transport, camera.transport),
    targetFps: camera.targetFps,
    model: camera.model,
    minScore: shorten(camera.minScore),
    classes: camera.classes,
    hasCredentials: camera.hasCredentials,
    createTime: toIso(camera.createTime),
    updateTime: toIso(camera.updateTime),
    etag: camera.etag,
    status: camera.status && statusJson(camera.status),
  };
}

function statusJson(status: CameraStatus) {
  const { ledger } = status;
  return {
    state: label(CameraState, status.state),
    reason: status.reason === CameraReason.UNSPECIFIED ? null : label(CameraReason, status.reason),
    message: status.message,
    lastFrameTime: toIso(status.lastFrameTime),
    sourceWidth: status.sourceWidth,
    sourceHeight: status.sourceHeight,
    codec: status.codec,
    captureFps: shorten(status.captureFps),
    inferenceFps: shorten(status.inferenceFps),
    reconnects: status.reconnects,
    ingest: status.ingest,
    epoch: status.epoch,
    ledger: ledger && {
      captured: ledger.captured,
      inferred: ledger.inferred,
      dropped: Object.fromEntries(
        ledger.dropped.map(({ reason, count }) => [dropReasonLabel(reason), count]),
      ),
      inFlight: ledger.inFlight,
    },
  };
}

/** A table of cameras, one line each under a line of headings. */
export function cameraTable(cameras: readonly Camera[]): string {
  const rows = [["NAME", "STATE", "FPS", "MODEL", "URL", "WHY"], ...cameras.map(cameraRow)];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function cameraRow(camera: Camera): string[] {
  const { status } = camera;
  return [
    plainName(camera),
    label(CameraState, status?.state ?? CameraState.PENDING),
    status ? status.captureFps.toFixed(1) : "",
    camera.model,
    camera.uri,
    status?.message ?? "",
  ];
}

/** One camera in lines `field  value`; fields that say nothing are left out. */
export function cameraText(camera: Camera): string {
  const { status, ...settings } = cameraJson(camera);
  const { ledger, ...state } = status ?? {};
  const lines = Object.entries({ ...settings, ...state, ...ledger }).flatMap(([field, value]) => {
    const text = Array.isArray(value)
      ? value.join(", ")
      : typeof value === "object" && value
        ? Object.entries(value)
            .map(([key, count]) => `${key} ${count}`)
            .join(", ")
        : String(value ?? "");
    return text === "" ? [] : [`${field.padEnd(15)} ${text}`];
  });
  return lines.join("\n");
}

function plainName(camera: Camera): string {
  return cameraIdOf(camera.name) ?? camera.name;
}

function label(values: Record<string, number>, value: number): string {
  return (Object.keys(values).find((key) => values[key] === value) ?? "unknown").toLowerCase();
}
