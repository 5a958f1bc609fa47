import {
  type ChoiceSetting,
  cameraSettingNames,
  cameraSettings,
  eachPlain,
  type GivenCameraSettings,
  type Labels,
  type NumberSetting,
  type OwnName,
  type PlainSettings,
  parseLabel,
  rangeText,
} from "@sightline/contracts";
import { type Command, InvalidArgumentError, Option } from "commander";
import { CliError } from "../errors.ts";

/** Settings of a camera from the command line; numbers and choices are stored under the names of their options. */
export interface CameraOptions {
  model?: string;
  classes?: string[];
  record?: (typeof recordNames)[number];
  /** False when --no-record-uri was given. */
  recordUri?: string | false;
  recordDays?: number;
  recordEventsDays?: number;
  recordAudio?: boolean;
  /** False when --no-labels was given. */
  labels?: boolean;
  label?: Record<string, string>;
  /** False when --no-then was given. */
  then?: SecondStageOption[] | false;
  /** False when --no-privacy-masks was given. */
  privacyMasks?: boolean;
  privacyMask?: Polygon[];
  json: boolean;
}

type Polygon = [x: number, y: number][];

const recordNames = ["default", "off", "events", "continuous"] as const;

/** Adds the options that `camera add` and `camera update` share. */
export function addCameraOptions(command: Command): Command {
  for (const name of cameraSettingNames) {
    const setting = cameraSettings[name];
    if (setting.kind === "own") ownOptions[name as OwnName](command);
    else command.addOption(optionOf(setting));
  }
  return command.option("--json", "print the camera as JSON", false);
}

/** The option of a number or choice. */
function optionOf(setting: NumberSetting | ChoiceSetting): Option {
  if (setting.kind !== "choice")
    return new Option(setting.option, `${setting.says}; ${rangeText(setting)}`).argParser(
      setting.kind === "whole" ? integer : number,
    );
  const words = Object.keys(setting.choices);
  const toServer = words.includes("default") ? "; default is what the server is set to" : "";
  return new Option(setting.option, `${setting.says}${toServer}`).choices(words);
}

const optionNames = eachPlain((_, setting) => new Option(setting.option).attributeName());

/** The options of the other settings. */
const ownOptions: Readonly<Record<OwnName, (command: Command) => unknown>> = {
  // It is an argument, or a separate option.
  uri: () => undefined,
  recordUri: (command) =>
    command
      .option(
        "--record-uri <url>",
        "another stream of the same view to record and to show live, such as the main stream where <url> is the sub-stream; user and password in it are its own",
      )
      .option("--no-record-uri", "record the stream that is analysed (default)"),
  model: (command) => command.option("--model <name>", "model to run (default: the server's)"),
  classes: (command) =>
    command.option("--classes <a,b>", "classes to detect, separated by commas; '' takes all", list),
  labels: (command) =>
    command
      .option(
        "--label <key=value>",
        "what the camera belongs to, such as site=north; may be given several times, and replaces all that were set before",
        labels,
      )
      .option("--no-labels", "no labels (default)"),
  secondStages: (command) =>
    command
      .option(
        "--then <model[:a,b]>",
        "a classifier that looks at what was found, of the classes a and b only; may be given several times, and replaces all that were set before",
        secondStage,
      )
      .option("--no-then", "no second stage (default)"),
  privacyMasks: (command) =>
    command
      .option(
        "--privacy-mask <corners>",
        'a part of the picture that nobody may see: "x,y x,y x,y …" in 0..1 of width and height; may be given several times, and replaces all that were set before',
        polygons,
      )
      .option("--no-privacy-masks", "all of the picture may be seen (default)"),
  recording: (command) =>
    command
      .addOption(
        new Option(
          "--record <when>",
          "when video is kept; events is around events only, default what the server is set to",
        ).choices(recordNames),
      )
      .option("--record-days <n>", "days for which video is kept; 0 is until its space is needed", number)
      .option("--record-events-days <n>", "the same for video of events; 0 is as --record-days says", number)
      .option("--record-audio", "record sound too: AAC, of RTSP cameras")
      .option("--no-record-audio", "record no sound (default)"),
};

/** The options as the client takes them; those not given are left out. */
export function toSettings(options: CameraOptions): GivenCameraSettings {
  const recording = {
    mode: options.record,
    maxAgeDays: options.recordDays,
    eventsMaxAgeDays: options.recordEventsDays,
    audio: options.recordAudio,
  };
  if (options.privacyMask && options.privacyMasks === false)
    throw new CliError(
      "usage",
      "--privacy-mask and --no-privacy-masks contradict each other: give one of them",
    );
  if (options.label && options.labels === false)
    throw new CliError("usage", "--label and --no-labels contradict each other: give one of them");
  const records = Object.values(recording).some((value) => value !== undefined);
  return {
    ...plainSettingsIn(options),
    model: options.model,
    classes: options.classes,
    recordUri: options.recordUri === false ? "" : options.recordUri,
    secondStages: options.then === false ? [] : options.then,
    labels: options.label ?? (options.labels === false ? {} : undefined),
    recording: records ? recording : undefined,
    privacyMasks: options.privacyMask ?? (options.privacyMasks === false ? [] : undefined),
  };
}

/** The numbers and choices among the options. */
export function plainSettingsIn(options: CameraOptions): Partial<PlainSettings> {
  return eachPlain((name) => options[optionNames[name] as keyof CameraOptions]) as Partial<PlainSettings>;
}

/** Adds a label to those given before. */
function labels(text: string, before: Labels = {}): Labels {
  const { key, value } = readLabel(text);
  if (Object.hasOwn(before, key)) throw new InvalidArgumentError(`${key} is given twice`);
  return { ...before, [key]: value };
}

/** Reads `key=value`. */
export function readLabel(text: string): { key: string; value: string } {
  const label = parseLabel(text);
  if (label) return label;
  throw new InvalidArgumentError(
    "expected key=value, such as site=north: letters, digits, '.', '_' and '-', the key in small letters",
  );
}

/** Adds a polygon, such as "0,0 0.5,0 0.5,1", to those given before. */
function polygons(text: string, before: Polygon[] = []): Polygon[] {
  const corners = text.trim().split(/[\s;]+/);
  const polygon = corners.map((corner): [number, number] => {
    const [, x, y] = /^([\d.]+),([\d.]+)$/.exec(corner) ?? [];
    if (x === undefined || y === undefined || !Number.isFinite(Number(x)) || !Number.isFinite(Number(y)))
      throw new InvalidArgumentError(
        `expected corners "x,y x,y x,y" with numbers from 0 to 1, not '${corner}'`,
      );
    return [Number(x), Number(y)];
  });
  return [...before, polygon];
}

/** Reads a number. */
export function number(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw new InvalidArgumentError("expected a number");
  return value;
}

/** Reads a whole number; it may be negative. */
function integer(text: string): number {
  const value = number(text);
  if (!Number.isInteger(value)) throw new InvalidArgumentError("expected a whole number");
  return value;
}

/** Collects an option that may be given several times. */
export function append(value: string, before: string[]): string[] {
  return [...before, value];
}

/** Reads names separated by commas. */
export function list(text: string): string[] {
  return text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

/** A second stage from `--then`; no classes means all. */
export interface SecondStageOption {
  model: string;
  classes: string[];
}

/** Reads a second stage, such as "colour:person", and adds it to those given before. */
export function secondStage(text: string, before: unknown): SecondStageOption[] {
  const at = text.indexOf(":");
  const model = (at === -1 ? text : text.slice(0, at)).trim();
  const classes = (at === -1 ? "" : text.slice(at + 1)).split(",").map((name) => name.trim());
  if (model === "" || (at !== -1 && classes.includes("")))
    throw new InvalidArgumentError("expected a model's name, or MODEL:class,class");
  return [
    ...(Array.isArray(before) ? (before as SecondStageOption[]) : []),
    { model, classes: at === -1 ? [] : classes },
  ];
}

/** The bundled model, which cameras use unless they ask for another. */
export const bundledModel = "yolo-nas-pedestrians";

/** What people must know who use it on their own camera; the figures are in models/yolo-nas-pedestrians/README.md. */
export const bundledModelScope =
  "it is for the demo: it knows one class, person, and one scene, and is not meant for other cameras; docs/model.md says how to get a model of your own";
