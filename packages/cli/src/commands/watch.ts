import { wallClockMs } from "@sightline/service/clock";
import { Command } from "commander";
import { append, list, number } from "../camera/camera-options.ts";
import { eventJson, eventText } from "../event-view.ts";
import { requireCameras, requireClasses } from "../events/filtered-cameras.ts";
import { withServer } from "../server-connection.ts";
import { untilSignal } from "../signals.ts";

interface WatchOptions {
  camera: string[];
  classes?: string[];
  minScore?: number;
  empty: boolean;
  json: boolean;
}

/** `sightline watch`: detections as they are made, one line per frame. */
export function watchCommand(): Command {
  const command = new Command("watch")
    .option("--camera <name>", "only this camera; may be given several times", append, [])
    .option("--classes <a,b>", "only these classes, separated by commas", list)
    .option("--min-score <x>", "only detections of at least this score, 0 to 1", number)
    .option("--empty", "also print frames in which nothing was found", false)
    .option("--json", "print one JSON object a line", false);
  return command.action(async (options: WatchOptions) => {
    const signal = untilSignal();
    await withServer(command, async (client) => {
      await requireCameras(client, options.camera, { signal });
      await requireClasses(client, options.classes ?? [], options.camera, { signal });
      const filter = {
        cameras: options.camera,
        classes: options.classes,
        minScore: options.minScore,
        includeEmpty: options.empty,
        signal,
        reconnect: false,
        onOpen: () => console.error("watching; Ctrl-C ends it"),
      };
      for await (const event of client.detections.subscribe(filter)) {
        const receivedAt = wallClockMs();
        console.log(
          options.json ? JSON.stringify(eventJson(event, receivedAt)) : eventText(event, receivedAt),
        );
      }
    });
  });
}
