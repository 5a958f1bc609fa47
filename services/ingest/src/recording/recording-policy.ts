import type { RecordingSettings } from "@sightline/contracts";

/** When a camera's video is kept. */
export type RecordingMode = NonNullable<RecordingSettings["mode"]>;

/** What is kept of a camera, and for how long. */
export interface RecordingPolicy {
  mode: RecordingMode;
  maxAgeMs: number;
  eventsMaxAgeMs: number;
}

/** What the process's settings say where a camera does not. */
export interface RecordingDefaults {
  mode: RecordingMode;
  maxAgeDays: number;
  eventsMaxAgeDays: number;
}

const dayMs = 24 * 60 * 60_000;

/** What holds for a camera with these settings; those of a camera that is not registered are undefined. */
export function recordingPolicy(
  settings: RecordingSettings | undefined,
  defaults: RecordingDefaults,
): RecordingPolicy {
  const { mode = defaults.mode, maxAgeDays, eventsMaxAgeDays = maxAgeDays } = settings ?? {};
  return {
    mode,
    maxAgeMs: (maxAgeDays ?? defaults.maxAgeDays) * dayMs,
    eventsMaxAgeMs: (eventsMaxAgeDays ?? defaults.eventsMaxAgeDays) * dayMs,
  };
}
