import { cameraName } from "@sightline/contracts";
import { Command, InvalidArgumentError } from "commander";
import { CliError } from "../errors.ts";
import { withServer } from "../server-connection.ts";
import { untilSignal } from "../signals.ts";
import { saveVideo } from "./camera-recording.ts";

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
    // `events` has this option too, and accepts it at any position.
    const json = options.json || command.optsWithGlobals<ClipOptions>().json;
    const name = readEventName(id, "CAMERA/ID");
    const signal = untilSignal();
    await withServer(command, async (client) => {
      const video = await client.events.clip(name, { audio, signal });
      await saveVideo(out ?? `${id.replace("/", "-")}.mp4`, video, json, signal);
    });
  });
}

interface ReviewOptions {
  undo: boolean;
  json: boolean;
}

/** How many are sent at a time. */
const atATime = 1_000;

/** `sightline events review`: marks events as reviewed, for all users who see them. */
export function eventsReviewCommand(): Command {
  const command = new Command("review")
    .argument("<camera/id...>", "the events, named as the list names them")
    .option("--undo", "mark them as not reviewed", false)
    .option("--json", "print those that are marked now as JSON", false);
  return command.action(async (ids: string[], { undo, ...options }: ReviewOptions) => {
    // `events` has this option too, and accepts it at any position.
    const json = options.json || command.optsWithGlobals<ReviewOptions>().json;
    const names = [...new Set(ids.map((id) => readEventName(id, "CAMERA/ID")))];
    await withServer(command, async (client) => {
      const marked: string[] = [];
      for (let i = 0; i < names.length; i += atATime)
        marked.push(...(await client.events.review(names.slice(i, i + atATime), { reviewed: !undo })));
      const shown = (name: string) => name.replace("cameras/", "").replace("/events/", "/");
      if (json) console.log(JSON.stringify({ reviewed: !undo, events: marked.map(shown) }));
      else console.log(`${marked.length} of ${names.length} marked as ${undo ? "not reviewed" : "reviewed"}`);
      const missing = names.filter((name) => !marked.includes(name)).map(shown);
      if (missing.length > 0)
        throw new CliError(
          "not_found",
          `there are no such events, or they are not kept any more: ${missing.join(", ")}`,
        );
    });
  });
}

/** The API's name for the event CAMERA/ID; `expected` says in the error what should have been given. @throws InvalidArgumentError */
export function readEventName(text: string, expected: string): string {
  const [, camera, id] = /^([^/]+)\/([^/]+)$/.exec(text) ?? [];
  if (camera === undefined)
    throw new InvalidArgumentError(`expected ${expected}, as the list prints it, not '${text}'`);
  return `${cameraName(camera)}/events/${id}`;
}
