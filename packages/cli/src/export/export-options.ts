import { type Command, Option } from "commander";
import { append, list } from "../camera/camera-options.ts";
import { timeOption } from "../time-option.ts";

/** What to export, as given on the command line. */
export interface ExportOptions {
  camera: string[];
  classes?: string[];
  zone?: string;
  from?: Date;
  to?: Date;
  format: string;
  out?: string;
}

/** Adds the options that all exports share. */
export function addExportOptions(command: Command, formats: readonly string[]): Command {
  return command
    .option("--camera <name>", "only this camera; may be given several times", append, [])
    .option("--classes <a,b>", "only these classes, separated by commas", list)
    .option("--zone <name>", "only in the camera's zone of this name")
    .option("--from <time>", "from this time on, such as 2026-03-01T08:00Z", timeOption)
    .option("--to <time>", "before this time", timeOption)
    .addOption(new Option("--format <name>", "form of the file").choices(formats).default(formats[0]))
    .option("--out <file>", "file to write (default: standard output)");
}
