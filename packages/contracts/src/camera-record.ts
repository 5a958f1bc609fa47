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
/** The choice that leaves a setting to the server is not stored. */
type StoredValue<Name extends PlainName> = z.ZodType<Exclude<PlainSettings[Name], "default">>;

const storedSchemas = eachPlain((_, setting) => {
  if (setting.kind === "choice")
    return z.enum(Object.keys(setting.choices).filter((choice) => choice !== "default"));
  const number = setting.kind === "whole" ? z.int() : z.number();
  // Planning uses the numbers of a share directly, so a 0 that only means the default is never stored in one.
  const least = setting.stored === "share" ? setting.least : Math.min(setting.least, 0);
  return number.min(least).max(setting.most);
});

/** The numbers and choices stored in one place; those with their default value are left out. */
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

/** When video is kept; a missing field has its default (camera.proto). */
export const recordingSettingsSchema = z.strictObject({
  /** Missing: ingest's own setting applies. */
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
  /** What happens to the compressed video, which shows the masked parts. Missing: it is transcoded. */
  video: z.literal("off").optional(),
});
export type PrivacySettings = z.infer<typeof privacySettingsSchema>;

/** A model that looks at the objects that a camera's own model found; no classes means all. */
export const secondStageSchema = z.strictObject({ model: z.string(), classes: z.array(z.string()) });

/** A camera's registration as stored; the URL holds no user or password. */
export const cameraRecordSchema = z.strictObject({
  uri: z.string(),
  ...alwaysStored,
  /** A missing setting has its default. */
  ...optionalIn("record"),
  /** Missing: all have their defaults. */
  recording: recordingSettingsSchema.optional(),
  /** Missing: everything may be seen. */
  privacy: privacySettingsSchema.optional(),
  /** Missing: the camera has no labels. */
  labels: z.record(z.string(), z.string()).optional(),
  model: z.string(),
  classes: z.array(z.string()),
  /** Missing: no second model looks at the objects found. */
  secondStages: z.array(secondStageSchema).max(limits.maxSecondStages).optional(),
  hasCredentials: z.boolean(),
  createTime: z.iso.datetime(),
  updateTime: z.iso.datetime(),
});
export type CameraRecord = z.infer<typeof cameraRecordSchema>;
/** The part of the record that a user chose. */
export type StoredSettings = Omit<CameraRecord, "hasCredentials" | "createTime" | "updateTime">;

/** The camera's stream that is recorded and watched instead of the analysed one; the URL holds no user or password. */
export const recordStreamSchema = z.object({ uri: z.string(), hasCredentials: z.boolean() });
export type RecordStream = z.infer<typeof recordStreamSchema>;

/**
 * How a camera shares the workers with other cameras; a missing field has its default. It is stored separately because earlier versions refuse a
 * record that contains it.
 */
export const cameraShareSchema = z.object(optionalIn("share"));
export type CameraShare = z.infer<typeof cameraShareSchema>;

/** All numbers and choices of a camera: the stored ones, and defaults for the rest. */
export function plainOfStored(record: StoredSettings, share: CameraShare = {}): PlainSettings {
  const stored: Partial<PlainSettings> = { ...record, ...share, maskedVideo: record.privacy?.video };
  return eachPlain((name, setting) => stored[name] ?? defaultOf(setting)) as PlainSettings;
}

/** The numbers and choices that go into a camera's record. */
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

/** For every number, 0 stands for the default. */
function isDefault(setting: NumberSetting | ChoiceSetting, value: number | string): boolean {
  return value === 0 || value === defaultOf(setting);
}

/** The key under which the user and password of a camera's RecordStream are stored; no camera id can equal it. */
export function recordSecretKey(camera: string): string {
  return `${camera}.record`;
}

/** Scheme, host and port of a URL, to compare whether two URLs mean the same camera server. */
export function serverOf(uri: string): string {
  const { protocol, host } = new URL(uri);
  return `${protocol}//${host}`;
}

/**
 * User and password of a camera. Those of a RecordStream also name the server that they are for, in the form of `serverOf`: the URL and the secret
 * are stored one after the other, and a process that reads between the two writes must not send the password to another server.
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
