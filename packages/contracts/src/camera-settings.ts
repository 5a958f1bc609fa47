import { limits } from "./limits.ts";

interface SettingWords {
  /** Its heading in forms and lists. */
  readonly label: string;
  /** What it does, as an option's help and a form's hint say it: no capital first, no full stop. */
  readonly says: string;
  /** The name that begins messages in the form, where "The" plus the label in small letters does not fit. */
  readonly called?: string;
  /** The commands' option for it, as commander takes it. */
  readonly option: string;
  /** The part of the console's form where it is shown. */
  readonly part: "stream" | "analysis" | "overload" | "decoding" | "privacy";
}

interface SettingUse {
  /** A change makes ingest reconnect to the camera. */
  readonly reconnects?: true;
  /**
   * Where the registry stores it. `always`: in every record, since services of earlier versions reject a record without it; `share`: in the
   * CameraShare, which ingest uses to plan the workers' time. A change there never makes ingest reconnect, so it cannot be combined with
   * `reconnects`; `own`: its own code decides. Otherwise: in the record, unless it has its default value.
   */
  readonly stored?: "always" | "share" | "own";
}

/** A number; 0 is always the default. `whole` means that it has no fraction. */
export interface NumberSetting extends SettingWords, SettingUse {
  readonly kind: "number" | "whole";
  readonly least: number;
  readonly most: number;
  /** What 0 means; without it 0 is a value like any other. */
  readonly zero?: string;
  /** The number that 0 stands for, if that is not 0 itself. */
  readonly default?: number;
  /** In protobuf it is a `float`: 0.4 arrives as 0.4000000059604645. A new setting is better a `double`. */
  readonly float?: true;
}

/** One of several words. The first is the default; `default` leaves the choice to the server. */
export interface ChoiceSetting extends SettingWords, SettingUse {
  readonly kind: "choice";
  /** The words, each with its name in the console. */
  readonly choices: Readonly<Record<string, string>>;
}

/** A setting with a special structure, defined by hand wherever it is used (`OwnSettings`). */
interface OwnSetting {
  readonly kind: "own";
}

/**
 * Every setting of a camera, by its name in JSON; in protobuf it has the same name in snake case (`video_track`). For numbers and choices, this line
 * alone decides how all services, the commands, the console and the SDK check, store, send and show the setting.
 */
export const cameraSettings = {
  uri: { kind: "own" },
  /** How RTP travels: `auto`, the default, is TCP, or UDP for a camera that refuses TCP. */
  transport: {
    kind: "choice",
    option: "--transport <how>",
    stored: "always",
    reconnects: true,
    label: "Transport",
    part: "stream",
    says: "how video travels; auto is TCP, which loses no packets, or UDP for a camera that refuses TCP",
    choices: { auto: "Automatic", tcp: "TCP", udp: "UDP" },
  },
  /** Which video track of the stream to receive, from 1; 0 means the first. */
  videoTrack: {
    kind: "whole",
    least: 1,
    most: limits.maxVideoTrack,
    zero: "the first",
    option: "--video-track <n>",
    reconnects: true,
    label: "Video track",
    part: "stream",
    says: "video track to take where the stream has several",
  },
  /** What decodes the video: `default` is the server's setting, `auto` the fastest that is available. */
  decode: {
    kind: "choice",
    option: "--decode <what>",
    reconnects: true,
    label: "Decoder",
    part: "decoding",
    says: "what decodes the video; auto is the fastest there, and software takes over where another fails",
    choices: {
      default: "As the server is set",
      auto: "Automatic",
      cuda: "NVIDIA GPU (NVDEC)",
      vaapi: "GPU by VA-API",
      software: "Software",
    },
  },
  /** Detections below this score (0..1) are not published; 0 means the model's default. */
  minScore: {
    kind: "number",
    least: 0,
    most: 1,
    zero: "the model's default",
    float: true,
    option: "--min-score <x>",
    stored: "always",
    label: "Minimum score",
    part: "analysis",
    says: "leave out detections below this score",
  },
  /** At most this many frames per second are analysed; 0 means every frame. */
  targetFps: {
    kind: "number",
    least: 0,
    most: limits.maxTargetFps,
    zero: "every frame",
    option: "--fps <n>",
    stored: "always",
    reconnects: true,
    label: "Frames per second",
    called: "The number of frames per second",
    part: "analysis",
    says: "frames per second to analyse, at most",
  },
  model: { kind: "own" },
  classes: { kind: "own" },
  labels: { kind: "own" },
  /** The camera's share of the workers' time when there is not enough for all, 0.1 to 10: twice the weight means twice the frames. 0 means the default, 1. */
  weight: {
    kind: "number",
    least: limits.minWeight,
    most: limits.maxWeight,
    zero: "the default, 1",
    default: 1,
    option: "--weight <w>",
    stored: "share",
    label: "Weight",
    part: "overload",
    says: "its part of the workers' time while there is not enough for all: twice the weight, twice the frames",
  },
  /** Frames per second that the camera always gets first, whatever other cameras ask for; 0 means no floor. A floor that the workers cannot promise is refused. */
  floorFps: {
    kind: "number",
    least: 0,
    most: limits.maxTargetFps,
    zero: "none",
    option: "--floor <n>",
    stored: "share",
    label: "Floor",
    part: "overload",
    says: "frames per second that it gets first, whatever the others ask for; refused when the workers cannot promise it",
  },
  /** If the workers can no longer hold all floors, cameras with a higher priority come first; -100 to 100. */
  priority: {
    kind: "whole",
    least: -limits.maxPriority,
    most: limits.maxPriority,
    option: "--priority <p>",
    stored: "share",
    label: "Priority",
    part: "overload",
    says: "when the workers can no longer hold all floors, those of higher priority are held first",
  },
  secondStages: { kind: "own" },
  privacyMasks: { kind: "own" },
  /**
   * How the video of a camera with privacy masks is handled. `transcode`, the default, masks it and encodes it again, which takes about one core for
   * 1080p at 30 frames/s. With `off` there are no recordings, clips or live video.
   */
  maskedVideo: {
    kind: "choice",
    option: "--masked-video <what>",
    stored: "own",
    reconnects: true,
    label: "Video with masks",
    called: "What becomes of the video",
    part: "privacy",
    says: "what becomes of the video of a camera with privacy masks: re-encoded, masked, which takes about a core for 1080p while it is recorded or watched, or none at all",
    choices: { transcode: "Re-encode it, masked", off: "None: no recordings, clips and live video" },
  },
  recordUri: { kind: "own" },
  recording: { kind: "own" },
} as const satisfies Readonly<Record<string, NumberSetting | ChoiceSetting | OwnSetting>>;

type Table = typeof cameraSettings;
export type SettingName = keyof Table;
/** Names of the settings that are numbers or choices. */
export type PlainName = {
  [Name in SettingName]: Table[Name] extends { kind: "own" } ? never : Name;
}[SettingName];
export type NumberName = {
  [Name in PlainName]: Table[Name] extends { kind: "choice" } ? never : Name;
}[PlainName];
export type ChoiceName = Exclude<PlainName, NumberName>;
export type OwnName = Exclude<SettingName, PlainName>;

type ValueOf<Setting> = Setting extends { choices: infer Choices } ? keyof Choices & string : number;

/** The numbers and choices of a camera, all of them. */
export type PlainSettings = { [Name in keyof Table as Name & PlainName]: ValueOf<Table[Name]> };

/** Settings with a special structure. A missing one has its default in a new camera and stays unchanged in an update. */
export interface OwnSettings {
  /** rtsp, rtsps, http or https URL (MJPEG, HLS), or file:///; a user and password in it are stored separately and never returned. */
  uri?: string | undefined;
  /**
   * A second stream of the same view, with its own user and password. Recordings, clips and live video come from it instead of from `uri`; "" removes
   * it.
   */
  recordUri?: string | undefined;
  /** Name of the model; by default the system's default model. */
  model?: string | undefined;
  /** Class names to detect; empty means all. */
  classes?: readonly string[] | undefined;
  /** What the camera belongs to, such as { site: "north" }; {} removes all. Users may be limited to labels. */
  labels?: Readonly<Record<string, string>> | undefined;
  /** Classifiers for the objects found, for all classes or only some; [] removes all. */
  secondStages?: readonly { readonly model: string; readonly classes?: readonly string[] }[] | undefined;
  /** Parts of the picture that nobody may see, as polygons of [x, y] in 0..1 of the picture as it is shown; [] removes all. */
  privacyMasks?: readonly (readonly (readonly [x: number, y: number])[])[] | undefined;
  /** What is recorded. A field that is not given has its default, or stays unchanged in an update. */
  recording?: GivenRecording | undefined;
}

/** What is recorded of a camera's video, and how long it is kept. */
export interface GivenRecording {
  /** `default` is the server's setting; `events` records around events, `continuous` records everything. */
  mode?: "default" | "off" | "events" | "continuous" | undefined;
  /** Days for which video is kept, at most 3650; 0 keeps it until its space is needed. */
  maxAgeDays?: number | undefined;
  /** The same for video of events; 0 means the same as `maxAgeDays`. */
  eventsMaxAgeDays?: number | undefined;
  /** Whether the sound of an RTSP camera is recorded too: AAC, unchanged. */
  audio?: boolean | undefined;
}

/** Settings as JSON and the SDK have them. A missing one has its default in a new camera and stays unchanged in an update. */
export type GivenCameraSettings = {
  [Name in keyof PlainSettings]?: PlainSettings[Name] | undefined;
} & OwnSettings;

/** The names of all settings, in the order of the table. */
export const cameraSettingNames = Object.keys(cameraSettings) as SettingName[];

/** The numbers and choices with their table entries. */
export const plainSettings: readonly (readonly [PlainName, NumberSetting | ChoiceSetting])[] = Object.entries(
  cameraSettings,
).flatMap(([name, setting]) => (setting.kind === "own" ? [] : [[name as PlainName, setting] as const]));

export const choiceNames = plainSettings.flatMap(([name, { kind }]) =>
  kind === "choice" ? [name as ChoiceName] : [],
);

/** Builds an object with one value for each number and choice. */
export function eachPlain<Value>(
  make: (name: PlainName, setting: NumberSetting | ChoiceSetting) => Value,
): Record<PlainName, Value> {
  return Object.fromEntries(plainSettings.map(([name, setting]) => [name, make(name, setting)])) as never;
}

/** The value of a setting that nobody has set. */
export function defaultOf(setting: NumberSetting | ChoiceSetting): number | string {
  return setting.kind === "choice" ? Object.keys(setting.choices)[0]! : (setting.default ?? 0);
}

/** The numbers and choices of a camera for which nobody has set anything. */
export const plainDefaults = eachPlain((_, setting) => defaultOf(setting)) as PlainSettings;

/** Whether the setting allows this number. */
export function isWithin({ kind, least, most, zero }: NumberSetting, value: number): boolean {
  if (kind === "whole" && !Number.isInteger(value)) return false;
  return (zero !== undefined && value === 0) || (value >= least && value <= most);
}

/** The allowed numbers, in words: "0.1 to 10, or 0 for the default, 1". */
export function rangeText({ least, most, zero }: NumberSetting): string {
  if (zero === undefined) return `${least} to ${most}`;
  return least === 0 ? `0 (${zero}) to ${most}` : `${least} to ${most}, or 0 for ${zero}`;
}

/** The setting's name in update masks: `target_fps` for `targetFps`. */
export function pathOfSetting(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** `pathOfSetting` for a name that is known at compile time. */
export type PathOf<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${PathOf<Rest>}`
  : Name;
