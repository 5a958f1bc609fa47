import { z } from "zod";
import {
  type ChoiceSetting,
  type cameraSettings,
  defaultOf,
  eachPlain,
  type NumberSetting,
  type PlainName,
  type PlainSettings,
  plainSettings,
} from "./camera-settings.ts";
import { limits } from "./limits.ts";

/** Where a setting is stored, by its name. */
type PlaceOf<Name extends PlainName> = (typeof cameraSettings)[Name] extends { stored: infer Place }
  ? Place
  : "record";
type StoredIn<Place> = { [Name in PlainName]: PlaceOf<Name> extends Place ? Name : never }[PlainName];
/** That a choice is left to the server is not stored. */
type StoredValue<Name extends PlainName> = z.ZodType<Exclude<PlainSettings[Name], "default">>;

const storedSchemas = eachPlain((_, setting) => {
  if (setting.kind === "choice")
    return z.enum(Object.keys(setting.choices).filter((choice) => choice !== "default"));
  const number = setting.kind === "whole" ? z.int() : z.number();
  // A share is planned by its numbers: 0, where it only means the default, is never in one.
  const least = setting.stored === "share" ? setting.least : Math.min(setting.least, 0);
  return number.min(least).max(setting.most);
});

/** The numbers and choices of a place, those that are not at their default. */
function optionalIn<Place extends "record" | "share">(place: Place) {
  const schemas = inPlace(place).map(([name]) => [name, storedSchemas[name].optional()]);
  return Object.fromEntries(schemas) as { [Name in StoredIn<Place>]: z.ZodOptional<StoredValue<Name>> };
}

/** Those that every record has. */
const alwaysStored = Object.fromEntries(
  inPlace("always").map(([name]) => [name, storedSchemas[name]]),
) as unknown as { [Name in StoredIn<"always">]: StoredValue<Name> };

function inPlace(place: "record" | "always" | "share") {
  return plainSettings.filter(([, { stored = "record" }]) => stored === place);
}

export const transportSchema = alwaysStored.transport;

/** When video is kept; what is not there is at its default (camera.proto). */
export const recordingSettingsSchema = z.strictObject({
  /** None: as ingest's own setting says. */
  mode: z.enum(["off", "events", "continuous"]).optional(),
  maxAgeDays: z.number().positive().max(limits.maxRecordingDays).optional(),
  eventsMaxAgeDays: z.number().positive().max(limits.maxRecordingDays).optional(),
  audio: z.literal(true).optional(),
});
export type StoredRecording = z.infer<typeof recordingSettingsSchema>;

const coordinateSchema = z.number().min(0).max(1);

/** Parts of a camera's picture, as it is shown, that nobody may see. */
export const privacySettingsSchema = z.strictObject({
  /** Polygons whose edges do not cross, in 0..1 of width and height. */
  masks: z
    .array(
      z
        .array(z.tuple([coordinateSchema, coordinateSchema]))
        .min(3)
        .max(limits.maxPolygonPoints),
    )
    .max(limits.maxPrivacyMasks),
  /** What becomes of the compressed video, which shows what they hide; none: it is transcoded. */
  video: z.literal("off").optional(),
});
export type PrivacySettings = z.infer<typeof privacySettingsSchema>;

/** A model that looks at what a camera's own model has found; no classes means all. */
export const secondStageSchema = z.strictObject({ model: z.string(), classes: z.array(z.string()) });

/** A camera's registration as stored; the URL holds no user or password. */
export const cameraRecordSchema = z.strictObject({
  uri: z.string(),
  ...alwaysStored,
  /** None: at its default. */
  ...optionalIn("record"),
  /** None: all at its default. */
  recording: recordingSettingsSchema.optional(),
  /** None: all may be seen. */
  privacy: privacySettingsSchema.optional(),
  /** None: it has no labels. */
  labels: z.record(z.string(), z.string()).optional(),
  model: z.string(),
  classes: z.array(z.string()),
  /** None: no model looks at what is found. */
  secondStages: z.array(secondStageSchema).max(limits.maxSecondStages).optional(),
  hasCredentials: z.boolean(),
  createTime: z.iso.datetime(),
  updateTime: z.iso.datetime(),
});
export type CameraRecord = z.infer<typeof cameraRecordSchema>;
/** What a user has chosen of it. */
export type StoredSettings = Omit<CameraRecord, "hasCredentials" | "createTime" | "updateTime">;

/** The stream of a camera that is recorded and watched in place of the analysed one; the URL holds no user or password. */
export const recordStreamSchema = z.object({ uri: z.string(), hasCredentials: z.boolean() });
export type RecordStream = z.infer<typeof recordStreamSchema>;

/** How a camera shares the workers with others; what is not there is at its default. Stored apart, since earlier versions refuse a record with it. */
export const cameraShareSchema = z.object(optionalIn("share"));
export type CameraShare = z.infer<typeof cameraShareSchema>;

/** The numbers and choices that are stored of a camera, and of the others their defaults. */
export function plainOfStored(record: StoredSettings, share: CameraShare = {}): PlainSettings {
  const stored: Partial<PlainSettings> = { ...record, ...share, maskedVideo: record.privacy?.video };
  return eachPlain((name, setting) => stored[name] ?? defaultOf(setting)) as PlainSettings;
}

/** What is stored of numbers and choices in a camera's record. */
export function recordOfPlain(
  settings: PlainSettings,
): Pick<CameraRecord, StoredIn<"record"> | StoredIn<"always">> {
  const kept = inPlace("record").filter(([name, setting]) => !isDefault(setting, settings[name]));
  return valuesOf([...inPlace("always"), ...kept], settings) as never;
}

/** The share as stored; null when all of it is at its default. */
export function shareOfPlain(settings: PlainSettings): CameraShare | null {
  const kept = inPlace("share").filter(([name, setting]) => !isDefault(setting, settings[name]));
  return kept.length > 0 ? valuesOf(kept, settings) : null;
}

function valuesOf(
  kept: readonly (readonly [PlainName, unknown])[],
  settings: PlainSettings,
): Partial<PlainSettings> {
  return Object.fromEntries(kept.map(([name]) => [name, settings[name]]));
}

/** 0 stands for the default of every number. */
function isDefault(setting: NumberSetting | ChoiceSetting, value: number | string): boolean {
  return value === 0 || value === defaultOf(setting);
}

/** Under which key the user and password of a camera's RecordStream are stored; no camera has such an id. */
export function recordSecretKey(camera: string): string {
  return `${camera}.record`;
}

/** Scheme, host and port of a URL, to tell whether two mean the same camera server. */
export function serverOf(uri: string): string {
  const { protocol, host } = new URL(uri);
  return `${protocol}//${host}`;
}

/**
 * User and password of a camera. Those of a RecordStream name the server that they are for, by `serverOf`: the URL and they are stored one after the
 * other, and who reads them in between must not tell them to another server.
 */
export const cameraSecretSchema = z.object({
  username: z.string(),
  password: z.string(),
  server: z.string().optional(),
});
export type CameraSecret = z.infer<typeof cameraSecretSchema>;

/** A CameraSecret as stored, encrypted; `nonce` and `data` (with its tag) are base64. */
export const sealedSecretSchema = z.object({ key: z.string(), nonce: z.string(), data: z.string() });
export type SealedSecret = z.infer<typeof sealedSecretSchema>;
