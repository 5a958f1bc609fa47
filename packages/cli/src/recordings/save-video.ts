import type { Video } from "@sightline/client";
import { writeExport } from "../export/write-export.ts";
import { recordingTime } from "./recording-time.ts";

/** What `--json` prints of a video that was saved. */
interface SavedVideo {
  file: string;
  bytes: number;
  from: string;
  to: string;
}

/** Saves a video, and says what it holds. The file is there only once it is whole. @throws SightlineError, ExportFileError */
export async function saveVideo(
  file: string,
  video: Video,
  json: boolean,
  signal: AbortSignal,
): Promise<void> {
  await writeExport(file, video.content, signal);
  const { sizeBytes: bytes, from, to } = video;
  const saved: SavedVideo = { file, bytes, from: from.toISOString(), to: to.toISOString() };
  const seconds = (to.getTime() - from.getTime()) / 1000;
  console.log(
    json
      ? JSON.stringify(saved)
      : `${file}: ${recordingTime(from)} to ${recordingTime(to)}, ${seconds.toFixed(1)} s, ${mebibytes(bytes)}`,
  );
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
