import { type Command, InvalidArgumentError, Option } from "commander";
import { append, list } from "../camera/camera-options.ts";

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
    .option("--from <time>", "from this time on, such as 2026-03-01T08:00Z", time)
    .option("--to <time>", "before this time", time)
    .addOption(new Option("--format <name>", "form of the file").choices(formats).default(formats[0]))
    .option("--out <file>", "file to write (default: standard output)");
}

function time(text: string): Date {
  const date = new Date(text);
  if (Number.isNaN(date.getTime()) || !/^\d{4}-/.test(text))
    throw new InvalidArgumentError("expected a time such as 2026-03-01 or 2026-03-01T08:00:00Z");
  return date;
}
