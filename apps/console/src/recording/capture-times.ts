/** A picture of a video: when it is shown, in seconds of the video, and when it was captured, in milliseconds since 1970. */
export interface PictureTime {
  seconds: number;
  captureMs: number;
}

/**
 * Marks of the boxes with times that ingest writes beside the video (docs/recording.md): in a fragment of a recorded file, and in a whole
 * MP4.
 */
const fragmentMark = "b0a6f1f4c3a94d1c9d8e5a1f7e2c4b60";
const movieMark = "5e2d8c17a40b4f6db3c9716f0ad25e83";
const markBytes = 16;
const ticksPerSecond = 90_000;
const stepsPerMs = 10;

interface Box {
  type: string;
  /** Where the box's content begins, and where it ends. */
  body: number;
  end: number;
}

/**
 * The pictures of a piece of a recorded file, in display order; `seconds` use the file's own clock. Empty when the piece has no such times.
 */
export function fragmentTimes(data: ArrayBuffer): PictureTime[] {
  const view = new DataView(data);
  const times: PictureTime[] = [];
  let captured: number[] = [];
  for (const { type, body, end } of boxesIn(view, 0, view.byteLength)) {
    if (type === "uuid" && markAt(view, body, end) === fragmentMark)
      captured = Array.from({ length: (end - body - markBytes) / 8 }, (_, i) =>
        view.getFloat64(body + markBytes + 8 * i),
      );
    else if (type === "moof") {
      const shown = shownTicks(view, body, end);
      for (const [i, captureMs] of captured.entries())
        if (shown[i] !== undefined) times.push({ seconds: shown[i] / ticksPerSecond, captureMs });
      captured = [];
    }
  }
  return times.sort((a, b) => a.seconds - b.seconds);
}

/** The pictures of a whole MP4, read from its start, in display order; undefined while the box with the times is incomplete. */
export function movieTimes(data: ArrayBuffer): PictureTime[] | undefined {
  const view = new DataView(data);
  for (const { type, body, end } of boxesIn(view, 0, view.byteLength)) {
    if (type === "mdat") return [];
    if (type !== "uuid" || markAt(view, body, end) !== movieMark) continue;
    const first = view.getFloat64(body + markBytes);
    const rows = body + markBytes + 8;
    return Array.from({ length: (end - rows) / 8 }, (_, i) => ({
      seconds: view.getUint32(rows + 8 * i) / ticksPerSecond,
      captureMs: first + view.getUint32(rows + 8 * i + 4) / stepsPerMs,
    }));
  }
  return undefined;
}

/** Display times of the pictures of a fragment, in decoding order, from `tfdt` and `trun` as ingest writes them. */
function shownTicks(view: DataView, from: number, to: number): number[] {
  const track = find(view, from, to, "traf");
  const start = track && find(view, track.body, track.end, "tfdt");
  const run = track && find(view, track.body, track.end, "trun");
  if (!start || !run) return [];
  let decoded = Number(view.getBigUint64(start.body + 4));
  return Array.from({ length: view.getUint32(run.body + 4) }, (_, i) => {
    const row = run.body + 12 + 16 * i;
    const shown = decoded + view.getInt32(row + 12);
    decoded += view.getUint32(row);
    return shown;
  });
}

function find(view: DataView, from: number, to: number, wanted: string): Box | undefined {
  for (const box of boxesIn(view, from, to)) if (box.type === wanted) return box;
  return undefined;
}

/** The boxes between two positions; the last one may be cut short only if it holds the pictures. */
function* boxesIn(view: DataView, from: number, to: number): Generator<Box> {
  for (let at = from; at + 8 <= to; ) {
    const size = view.getUint32(at);
    const type = String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + at + 4, 4));
    const end = at + size;
    if (type !== "mdat" && (size < 8 || end > to)) return;
    yield { type, body: at + 8, end };
    if (size < 8) return;
    at = end;
  }
}

function markAt(view: DataView, body: number, end: number): string {
  if (body + markBytes > end) return "";
  const bytes = new Uint8Array(view.buffer, view.byteOffset + body, markBytes);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
