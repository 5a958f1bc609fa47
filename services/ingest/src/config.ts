import { limits } from "@sightline/contracts";
import { decodeChoices, usualFfmpegMemoryMib } from "@sightline/media";
import { CameraNetworks } from "@sightline/rtsp";
import {
  type Config,
  commonSettings,
  frameMemoryDirectorySetting,
  replicasSetting,
  secretsKeyFileSetting,
  setting,
  tracingSettings,
} from "@sightline/service";
import { z } from "zod";

/** Settings of the ingest service. */
export const settings = {
  ...commonSettings,
  secretsKeyFile: secretsKeyFileSetting,
  ...tracingSettings,
  http: {
    env: "SIGHTLINE_INGEST_HTTP",
    schema: setting.listen("127.0.0.1:9101"),
    help: "HOST:PORT of metrics and health",
  },
  id: {
    env: "SIGHTLINE_INGEST_ID",
    schema: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, "expected 1 to 63 letters, digits, '.', '_' or '-'")
      .optional(),
    help: "name of this process in camera status; default: host name and process id",
  },
  ffmpegPath: {
    env: "FFMPEG_PATH",
    schema: setting.optionalText(),
    help: "ffmpeg to run; default: the one installed with the packages, else the one on PATH",
  },
  ffmpegMemoryMib: {
    env: "SIGHTLINE_FFMPEG_MEMORY_MIB",
    schema: setting.integer(usualFfmpegMemoryMib, 0, 1024 ** 2),
    help: "MiB of address space that the ffmpeg of a camera may take, of data where it decodes on a GPU or single pictures for all; 0: no limit",
  },
  decode: {
    env: "SIGHTLINE_DECODE",
    schema: setting.choice(decodeChoices, "auto"),
    help: "what decodes cameras without a setting of their own: cuda (NVDEC), vaapi, software, or auto, the fastest that is there",
  },
  cameraNetworks: {
    env: "SIGHTLINE_CAMERA_NETWORKS",
    schema: z
      .string()
      .default("")
      .transform((text, context) => {
        try {
          return CameraNetworks.parse(text);
        } catch (error) {
          context.addIssue({ code: "custom", message: (error as Error).message });
          return z.NEVER;
        }
      }),
    help: "networks that cameras may be in, such as 192.168.0.0/16,!192.168.0.1; default: all but link-local and metadata addresses",
  },
  cameraRedirects: {
    env: "SIGHTLINE_CAMERA_REDIRECTS",
    schema: setting.choice(["same-host", "any"], "same-host"),
    help: "where a camera may redirect to: its own host, or any allowed address, without its user and password",
  },
  sourceFiles: {
    env: "SIGHTLINE_SOURCE_FILES",
    schema: setting.optionalText(),
    help: "folder whose video files may be played as cameras, by file:///FOLDER/FILE; default: none may be",
  },
  stallSeconds: {
    env: "SIGHTLINE_STALL_SECONDS",
    schema: setting.number(5, 0.5, 300),
    help: "seconds without a frame after which a camera is reconnected",
  },
  pictureSeconds: {
    env: "SIGHTLINE_PICTURE_SECONDS",
    schema: setting.number(2, 0, 60),
    help: "seconds that frames are kept for pictures of them; a camera's newest is kept on",
  },
  pictureCameraBytes: {
    env: "SIGHTLINE_PICTURE_CAMERA_BYTES",
    schema: setting.integer(16 * 1024 ** 2, 0, Number.MAX_SAFE_INTEGER),
    help: "bytes of frames that are kept for pictures of one camera",
  },
  pictureBytes: {
    env: "SIGHTLINE_PICTURE_BYTES",
    schema: setting.integer(256 * 1024 ** 2, 0, Number.MAX_SAFE_INTEGER),
    help: "bytes of frames that are kept for pictures of all cameras",
  },
  recordingsDirectory: {
    env: "SIGHTLINE_RECORDINGS_DIRECTORY",
    schema: setting.optionalText(),
    help: "folder of what cameras sent, for this ingest alone; default: nothing is recorded",
  },
  recordingsMaxGib: {
    env: "SIGHTLINE_RECORDINGS_MAX_GIB",
    schema: setting.number(20, 0, 1024 ** 2),
    help: "GiB that all recordings of this ingest may take; the oldest go when there are more; 0: nothing is recorded",
  },
  recording: {
    env: "SIGHTLINE_RECORDING",
    schema: setting.choice(["events", "continuous", "off"], "events"),
    help: "what is recorded of cameras without a setting of their own: events, continuous or off",
  },
  recordingsMaxAgeDays: {
    env: "SIGHTLINE_RECORDINGS_MAX_AGE_DAYS",
    schema: setting.number(7, 0.001, limits.maxRecordingDays),
    help: "days that continuous recordings are kept, for cameras without a setting of their own",
  },
  recordingsEventsMaxAgeDays: {
    env: "SIGHTLINE_RECORDINGS_EVENTS_MAX_AGE_DAYS",
    schema: setting.number(30, 0.001, limits.maxRecordingDays),
    help: "days that recordings of events are kept, for cameras without a setting of their own",
  },
  preRollSeconds: {
    env: "SIGHTLINE_PRE_ROLL_SECONDS",
    schema: setting.number(5, 0, 60),
    help: "seconds before an event that are recorded with it",
  },
  postRollSeconds: {
    env: "SIGHTLINE_POST_ROLL_SECONDS",
    schema: setting.number(5, 0, 60),
    help: "seconds after an event that are recorded with it",
  },
  url: {
    env: "SIGHTLINE_INGEST_URL",
    schema: z.url({ protocol: /^https?$/, error: "expected http://HOST:PORT" }).optional(),
    help: "address at which results reaches SIGHTLINE_INGEST_HTTP; default: that, or this host's first address when it listens on all",
  },
  frameMemoryDirectory: frameMemoryDirectorySetting,
  frameMemoryMib: {
    env: "SIGHTLINE_FRAME_MEMORY_MIB",
    schema: z
      .custom<unknown>()
      .transform((value) => (value === undefined || value === "auto" ? "auto" : Number(value)))
      .refine(
        (value) => value === "auto" || (Number.isInteger(value) && value >= 0 && value <= 1024 ** 2),
        "expected auto or a whole number from 0 to 1048576",
      ),
    help: "MiB of shared memory for frames; auto: 8 frames of each camera, at most half of what is free; 0: none",
  },
  replicas: replicasSetting,
} as const;

export type IngestConfig = Config<typeof settings>;
