import { type CameraStatus, RecordingMode } from "@sightline/contracts";
import { ApiError } from "../errors.ts";
import type { VideoRange } from "./video-range.ts";

/** Everything known about why nothing was found. */
export interface NothingFound {
  camera: string;
  range: VideoRange;
  /** Ingests that did not answer. */
  silent: readonly string[];
  anyIngest: boolean;
  status: CameraStatus | undefined;
}

/** The error that says why there is no video: no ingest answered, the camera is not recorded, or this time is not stored. */
export function nothingFound({ camera, range, silent, anyIngest, status }: NothingFound): ApiError {
  if (!anyIngest)
    return new ApiError(
      "recording_unavailable",
      "no ingest service is running, and ingest services keep the recordings; start one",
    );
  if (silent.length > 0)
    return new ApiError(
      "recording_unavailable",
      `ingest '${silent.join("', '")}' does not answer and may have recordings of camera '${camera}'; try again`,
    );
  const { mode = RecordingMode.UNSPECIFIED, message = "" } = status?.recording ?? {};
  const between = `between ${iso(range.fromMs)} and ${iso(range.toMs)}`;
  const nothing = `no recording of camera '${camera}' is kept ${between}`;
  if (mode === RecordingMode.OFF)
    return new ApiError("recording_not_found", `${nothing}; its recording is off (recording.mode)`);
  if (message !== "")
    return new ApiError("recording_not_found", `${nothing}; it is not recorded: ${message}`);
  const events = mode === RecordingMode.EVENTS ? "; it is recorded only around events" : "";
  return new ApiError("recording_not_found", `${nothing}${events}`);
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
