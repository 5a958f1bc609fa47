import type { SubscriptionStatus } from "@sightline/client";
import {
  type Event,
  EventPhase,
  EventType,
  enumValue,
  fromTimestamp,
  toHttpEvent,
} from "@sightline/contracts";
import { Command, InvalidArgumentError } from "commander";
import { append, list } from "../camera/camera-options.ts";
import { wholeNumber } from "../number-options.ts";
import { withServer } from "../server-connection.ts";
import { untilSignal } from "../signals.ts";

interface EventsOptions {
  camera: string[];
  type?: EventType[];
  classes?: string[];
  zone: string[];
  limit: number;
  follow: boolean;
  cursor?: string;
  json: boolean;
}

/** `sightline events`: what happened, newest first, or as it happens. */
export function eventsCommand(): Command {
  const command = new Command("events")
    .option("--camera <name>", "only this camera; may be given several times", append, [])
    .option("--type <a,b>", "only these types, such as entered_zone,crossed_line", types)
    .option("--classes <a,b>", "only objects of these classes", list)
    .option("--zone <name>", "only in this zone; may be given several times", append, [])
    .option("--limit <n>", "list at most so many", wholeNumber(1), 50)
    .option("--follow", "print events as they happen, until Ctrl-C", false)
    .option("--cursor <cursor>", "with --follow: go on after the message with this cursor (from --json)")
    .option("--json", "print one JSON object a line", false);
  return command.action(async (options: EventsOptions) => {
    if (options.cursor !== undefined && !options.follow)
      throw new InvalidArgumentError("--cursor goes with --follow: lists are newest first");
    const { camera: cameras, type, classes, zone: zones, cursor } = options;
    const filter = { cameras, types: type, classes, zones };
    await withServer(command, async (client) => {
      if (!options.follow) {
        let left = options.limit;
        for await (const event of client.events.list({ filter, pageSize: Math.min(left, 1000) })) {
          print(event, options.json);
          if (--left === 0) return;
        }
        return;
      }
      const signal = untilSignal();
      const start = cursor === undefined ? "newest" : { cursor };
      const onStatus = followStatus();
      // A server that was never there is an error; one that goes away later is waited for.
      await client.events.list({ pageSize: 1, signal }).next();
      for await (const message of client.events.subscribe({ filter, start, signal, onStatus }))
        if (message.kind === "event") print(message.event, options.json, message.cursor);
        else console.error(`… ${message.gap.messages || "some"} messages are gone: ${message.gap.reason}`);
    });
  });
}

function print(event: Event, json: boolean, cursor?: string): void {
  const view = toHttpEvent(event);
  if (json) {
    console.log(JSON.stringify(cursor === undefined ? view : { ...view, cursor }));
    return;
  }
  const at =
    event.phase === EventPhase.START || event.phase === EventPhase.ONCE ? event.startTime : event.updateTime;
  const time = at ? new Date(fromTimestamp(at)).toISOString().slice(0, 19).replace("T", " ") : "";
  console.log(`${time}  ${view.camera.padEnd(16)} ${view.phase.padEnd(6)} ${view.message}`);
}

function types(text: string): EventType[] {
  return list(text).map((name) => {
    const type = enumValue(EventType, name);
    if (type === undefined)
      throw new InvalidArgumentError(`expected some of ${names().join(", ")}, not '${name}'`);
    return type;
  });
}

function names(): string[] {
  return Object.keys(EventType)
    .map((name) => name.toLowerCase())
    .filter((name) => name !== "unspecified");
}

/** Tells on stderr how following fares: once that it began, and each time that the connection is lost and back. */
function followStatus(): (status: SubscriptionStatus) => void {
  let said = "";
  const say = (words: string) => {
    if (words !== said) console.error(words);
    said = words;
  };
  return (status) => {
    if (status.state === "connected") say("following; Ctrl-C ends it");
    else if (status.state === "waiting") say(`… no connection, trying again: ${status.reason.message}`);
  };
}
