import { Command } from "commander";
import { eventName } from "../events/event-name.ts";
import { saveVideo } from "../recordings/save-video.ts";
import { withServer } from "../server-connection.ts";
import { untilSignal } from "../signals.ts";

interface ClipOptions {
  out?: string;
  audio: boolean;
  json: boolean;
}

/** `sightline events clip`: saves the video of an event. */
export function eventsClipCommand(): Command {
  const command = new Command("clip")
    .argument("<camera/id>", "the event, named as the list names it")
    .option("--out <file>", "where to save the MP4; CAMERA-ID.mp4 unless given")
    .option("--no-audio", "leave out the sound that was recorded")
    .option("--json", "print what was saved as JSON", false);
  return command.action(async (id: string, { out, audio, ...options }: ClipOptions) => {
    // `events` has this option too, and takes it wherever it stands.
    const json = options.json || command.optsWithGlobals<ClipOptions>().json;
    const name = eventName(id, "CAMERA/ID");
    const signal = untilSignal();
    await withServer(command, async (client) => {
      const video = await client.events.clip(name, { audio, signal });
      await saveVideo(out ?? `${id.replace("/", "-")}.mp4`, video, json, signal);
    });
  });
}
