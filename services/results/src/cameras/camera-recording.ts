import {
  type CameraRecord,
  enumName,
  enumValue,
  limits,
  Recording,
  RecordingMode,
  type StoredRecording,
} from "@sightline/contracts";
import { ApiError } from "../errors.ts";

/** Fields of a camera's recording that an update may name, by their protobuf paths. */
export const recordingMaskPaths = [
  "recording.mode",
  "recording.max_age_days",
  "recording.events_max_age_days",
  "recording.audio",
] as const;
export type RecordingPath = (typeof recordingMaskPaths)[number];

/** The check of each field; each throws ApiError invalid_argument. */
export function recordingChecks(
  recording: Recording = Recording.create(),
): Partial<Record<RecordingPath, () => void>> {
  return {
    "recording.mode": () => checkMode(recording.mode),
    "recording.max_age_days": () =>
      checkDays("max_age_days", recording.maxAgeDays, "0 (until the space is needed)"),
    "recording.events_max_age_days": () =>
      checkDays("events_max_age_days", recording.eventsMaxAgeDays, "0 (as max_age_days says)"),
  };
}

/** A checked recording in stored form: default values are left out, and so is a recording with only defaults. */
export function toStoredRecording(recording: Recording = Recording.create()): StoredRecording | undefined {
  const { maxAgeDays, eventsMaxAgeDays, audio } = recording;
  const mode = enumName(RecordingMode, recording.mode);
  const stored: StoredRecording = {
    ...(mode && { mode }),
    ...(maxAgeDays > 0 && { maxAgeDays }),
    ...(eventsMaxAgeDays > 0 && { eventsMaxAgeDays }),
    ...(audio && { audio }),
  };
  return Object.keys(stored).length > 0 ? stored : undefined;
}

/** The API form of a stored recording. */
export function recordingOf({ recording = {} }: CameraRecord): Recording {
  const { mode, ...rest } = recording;
  return Recording.fromPartial({ ...rest, mode: mode && enumValue(RecordingMode, mode) });
}

function checkMode(mode: RecordingMode): void {
  if (mode !== RecordingMode.UNSPECIFIED && !enumName(RecordingMode, mode))
    throw invalid(
      `camera.recording.mode is ${mode}; expected RECORDING_MODE_OFF, RECORDING_MODE_EVENTS, RECORDING_MODE_CONTINUOUS, or none`,
    );
}

function checkDays(field: string, days: number, least: string): void {
  if (!(days >= 0 && days <= limits.maxRecordingDays))
    throw invalid(`camera.recording.${field} is ${days}; expected ${least} to ${limits.maxRecordingDays}`);
}

function invalid(message: string): ApiError {
  return new ApiError("invalid_argument", message);
}
