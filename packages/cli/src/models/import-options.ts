import { existsSync, readFileSync } from "node:fs";
import {
  COCO_CLASSES,
  FAMILY_NAMES,
  PLACEMENTS,
  type Placement,
  type Preprocessing,
} from "@sightline/yolo-nas";
import { type Command, InvalidArgumentError, Option } from "commander";

/** Facts about an export that override those of its family. */
export interface ExportFacts {
  readonly family?: string;
  readonly classes?: readonly string[];
  readonly input?: { width: number; height: number };
  readonly channelOrder?: "rgb" | "bgr";
  readonly placement?: Placement;
  readonly range?: "unit" | "bytes";
  readonly mean?: Preprocessing["mean"];
  readonly std?: Preprocessing["std"];
}

/** Adds the options that describe an export of one of these families. */
export function withExportFacts(command: Command, families = FAMILY_NAMES): Command {
  return command
    .addOption(new Option("--family <name>", "what it is, instead of finding out").choices(families))
    .option("--classes <names>", "names with commas, `coco`, or a file with one name a line", classNames)
    .option("--input <WxH>", "size of the pictures, for an export that takes any", pictureSize)
    .addOption(new Option("--channel-order <order>", "instead of the family's").choices(["rgb", "bgr"]))
    .addOption(
      new Option("--placement <how>", "where pictures go, instead of the family's").choices(PLACEMENTS),
    )
    .addOption(
      new Option("--range <range>", "of pixels: 0…1 or 0…255, instead of the family's").choices([
        "unit",
        "bytes",
      ]),
    )
    .option("--mean <r,g,b>", "subtracted from pixels, instead of the family's", three)
    .option("--std <r,g,b>", "pixels are divided by these, instead of the family's", three);
}

function classNames(text: string): readonly string[] {
  if (text === "coco") return COCO_CLASSES;
  const names = existsSync(text) ? readFileSync(text, "utf8").split("\n") : text.split(",");
  return names.map((name) => name.trim()).filter((name) => name !== "");
}

function pictureSize(text: string): { width: number; height: number } {
  const match = /^([1-9]\d*)x([1-9]\d*)$/.exec(text);
  if (!match) throw new InvalidArgumentError("a size such as 640x384");
  return { width: Number(match[1]), height: Number(match[2]) };
}

function three(text: string): [number, number, number] {
  const values = text.split(",").map(Number);
  if (values.length !== 3 || values.some((value) => !Number.isFinite(value)))
    throw new InvalidArgumentError("three numbers with commas");
  return values as [number, number, number];
}
