import { type EventType, enumValue, type HttpEventCount } from "@sightline/contracts";
import { CountBy, toHttpEventCount } from "@sightline/contracts/api";
import { Command, InvalidArgumentError } from "commander";
import { list } from "../camera/camera-options.ts";
import { csvRecord } from "../export/record-formats.ts";
import { withServer } from "../server-connection.ts";
import { textTable } from "../text-table.ts";

interface CountsOptions {
  by?: CountBy[];
  csv: boolean;
  // Options of `events`, which accepts them at any position.
  camera: string[];
  zone: string[];
  type?: EventType[];
  classes?: string[];
  from?: Date;
  to?: Date;
  minScore?: number;
  minSeconds?: number;
  text?: string;
  id?: string;
  unreviewed: boolean;
  follow: boolean;
  pictures?: string;
  json: boolean;
}

const dayMs = 24 * 3_600_000;
const bys = Object.keys(CountBy)
  .map((name) => name.toLowerCase())
  .filter((name) => name !== "unspecified");

/** `sightline events counts`: how many events there were, by hour, camera and so on. */
export function eventsCountsCommand(): Command {
  const command = new Command("counts")
    .option("--by <a,b>", `what to count by, some of ${bys.join(", ")}; hour unless given`, readBys)
    .option("--csv", "print CSV", false)
    .addHelpText(
      "after",
      "\nIt takes --camera, --type, --classes, --zone, --from, --to and --json as events does; without --from, of the last 24 hours.",
    );
  return command.action(async () => {
    const options = command.optsWithGlobals<CountsOptions>();
    const { by = [CountBy.HOUR], csv, json, camera, zone, type, classes, to } = options;
    if (csv && json) throw new InvalidArgumentError("give --csv or --json, not both");
    const { minScore, minSeconds, text, id, unreviewed, follow, pictures } = options;
    if (unreviewed || follow || (minScore ?? minSeconds ?? text ?? id ?? pictures) !== undefined)
      throw new InvalidArgumentError(
        "counts are narrowed by --camera, --type, --classes, --zone, --from and --to only",
      );
    const from = options.from ?? new Date((to?.getTime() ?? Date.now()) - dayMs);
    if (to && from > to) throw new InvalidArgumentError("--from is later than --to");
    await withServer(command, async (client) => {
      const filter = { cameras: camera, zones: zone, types: type, classes };
      const counts = (await client.events.count({ filter, from, to, by })).map((count) =>
        toHttpEventCount(count, by),
      );
      const names = by.map((each) => bys.find((name) => enumValue(CountBy, name) === each)!);
      const rows = [[...names, "events", "seconds"], ...counts.map((count) => cells(count, names))];
      if (json) for (const count of counts) console.log(JSON.stringify(count));
      else if (csv) process.stdout.write(rows.map(csvRecord).join(""));
      else if (counts.length === 0) console.log("no such events are kept");
      else console.log(textTable([rows[0]!.map((name) => name.toUpperCase()), ...rows.slice(1)]));
    });
  });
}

function cells(count: HttpEventCount, names: readonly string[]): string[] {
  const by = names.map((name) => String(count[name as keyof HttpEventCount] ?? ""));
  return [...by, String(count.events), String(count.seconds)];
}

function readBys(text: string): CountBy[] {
  return [...new Set(list(text))].map((name) => {
    const by = enumValue(CountBy, name);
    if (by === undefined) throw new InvalidArgumentError(`expected some of ${bys.join(", ")}, not '${name}'`);
    return by;
  });
}
