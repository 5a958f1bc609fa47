import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type EventFilter,
  type SightlineClient,
  SightlineError,
  type Start,
  type SubscriptionStatus,
} from "@sightline/client";
import { type Event, EventType, enumValue, fromTimestamp } from "@sightline/contracts";
import { toHttpEvent } from "@sightline/contracts/api";
import { Command, InvalidArgumentError } from "commander";
import { append, list, number } from "../camera/camera-options.ts";
import { gapWords } from "../event-view.ts";
import { cameraOfEvent, eventId, eventLine, eventTable, type SavedPictures } from "../events/event-lines.ts";
import { keptOf, requireCameras, requireClasses, requireZones } from "../events/filtered-cameras.ts";
import { attributeValues, timeOption, wholeNumber } from "../option-values.ts";
import { withServer } from "../server-connection.ts";
import { untilSignal } from "../signals.ts";
import { readEventName } from "./event.ts";

interface EventsOptions {
  camera: string[];
  type?: EventType[];
  classes?: string[];
  zone: string[];
  attribute?: Record<string, string[]>;
  minScore?: number;
  minSeconds?: number;
  text?: string;
  unreviewed: boolean;
  id?: string;
  from?: Date;
  to?: Date;
  limit: number;
  follow: boolean;
  cursor?: string;
  pictures?: string;
  annotated: boolean;
  json: boolean;
}

/** Limit on events held in memory for sorting; `export events` has no limit. */
const mostListed = 100_000;

/** `sightline events`: what happened, newest first, or as it happens. */
export function eventsCommand(): Command {
  const command = new Command("events")
    .option("--camera <name>", "only this camera; may be given several times", append, [])
    .option("--type <a,b>", "only these types, such as entered_zone,crossed_line", types)
    .option("--classes <a,b>", "only objects of these classes", list)
    .option("--zone <name>", "only in this zone; may be given several times", append, [])
    .option(
      "--attribute <name=a,b>",
      "only of objects that a second stage takes for one of these, such as colour=red; may be given several times, and all must be met",
      attributeValues,
    )
    .option(
      "--from <time>",
      "those that began at this time or later, such as 2026-03-01T08:00:00Z",
      timeOption,
    )
    .option("--to <time>", "those that began before this time", timeOption)
    .option("--min-score <x>", "those whose object reached this score, 0 to 1", number)
    .option("--min-seconds <n>", "those that lasted so long or longer", number)
    .option(
      "--text <words>",
      "those that have all these words in their message, camera, class, rule, zone or line",
    )
    .option("--unreviewed", "only those that nobody has reviewed", false)
    .option("--id <camera/id>", "only this event, named as the list names it")
    .option("--limit <n>", "list at most so many", wholeNumber(1, mostListed), 50)
    .option("--pictures <folder>", "save their pictures there, as CAMERA-ID.jpg")
    .option("--annotated", "draw the object into the pictures", false)
    .option(
      "--follow",
      "print events as they happen, until Ctrl-C; with --from, also those since then",
      false,
    )
    .option("--cursor <cursor>", "with --follow: go on after the message with this cursor (from --json)")
    .option("--json", "print one JSON object a line", false);
  return command.action(async (options: EventsOptions) => {
    checkTogether(options);
    const {
      camera: cameras,
      type,
      classes,
      zone: zones,
      attribute: attributes,
      pictures,
      annotated,
    } = options;
    const filter = { cameras, types: type, classes, zones, ...(attributes && { attributes }) };
    await withServer(command, async (client) => {
      const album = pictures === undefined ? undefined : new PictureFolder(client, pictures, annotated);
      if (options.follow) await follow(client, filter, options, album);
      else await listOnce(client, filter, options, album);
    });
  });
}

/** @throws InvalidArgumentError for options that cannot be combined */
function checkTogether({
  minScore,
  minSeconds,
  text,
  unreviewed,
  id,
  from,
  to,
  follow,
  cursor,
  pictures,
  annotated,
}: EventsOptions): void {
  if (cursor !== undefined && !follow)
    throw new InvalidArgumentError("--cursor goes with --follow: lists are newest first");
  if (cursor !== undefined && from) throw new InvalidArgumentError("give --cursor or --from, not both");
  if (follow && to) throw new InvalidArgumentError("--to does not go with --follow, which has no end");
  if (follow && id !== undefined) throw new InvalidArgumentError("--id does not go with --follow");
  if (follow && (unreviewed || (minScore ?? minSeconds ?? text) !== undefined))
    throw new InvalidArgumentError(
      "--min-score, --min-seconds, --text and --unreviewed do not go with --follow",
    );
  if (from && to && from > to) throw new InvalidArgumentError("--from is later than --to");
  if (annotated && pictures === undefined) throw new InvalidArgumentError("--annotated goes with --pictures");
}

async function listOnce(
  client: SightlineClient,
  filter: EventFilter,
  { id, from, to, limit, json, minScore, minSeconds, text, unreviewed }: EventsOptions,
  album: PictureFolder | undefined,
): Promise<void> {
  const reviewed = unreviewed ? false : undefined;
  const events = id === undefined ? [] : [await client.events.get(readEventName(id, "--id CAMERA/ID"))];
  if (id === undefined)
    for await (const event of keptOf(
      client.events.list({
        ...{ filter, from, to, minScore, minSeconds, text, reviewed },
        pageSize: Math.min(limit, 1000),
      }),
      cameraOfEvent,
      client,
      filter.cameras ?? [],
    ))
      if (events.push(event) === limit) break;
  // The server lists them by storage time, whose order may differ a little between cameras.
  events.sort((a, b) => startOf(b) - startOf(a));
  for (const event of events) await album?.save(event);
  const pictures = album?.saved ?? new Map();
  if (json) for (const event of events) console.log(JSON.stringify(eventJson(event, pictures)));
  else console.log(events.length === 0 ? "no such events are kept" : eventTable(events, pictures));
}

async function follow(
  client: SightlineClient,
  filter: EventFilter,
  { cursor, from, json }: EventsOptions,
  album: PictureFolder | undefined,
): Promise<void> {
  const signal = untilSignal();
  const start: Start = cursor === undefined ? (from ?? "newest") : { cursor };
  const onStatus = followStatus();
  // If the server cannot be reached at the start, this is an error; if it goes away later, the command waits for it.
  await client.events.list({ pageSize: 1, signal }).next();
  const { cameras = [], zones = [], classes = [] } = filter;
  await requireCameras(client, cameras, { signal });
  await requireZones(client, zones, cameras, { signal });
  await requireClasses(client, classes, cameras, { signal });
  for await (const message of client.events.subscribe({ filter, start, signal, onStatus })) {
    if (message.kind !== "event") {
      console.error(`… ${message.gap.messages || "some"} messages are gone: ${gapWords[message.gap.reason]}`);
      continue;
    }
    const { event } = message;
    await album?.save(event);
    const pictures = album?.saved ?? new Map();
    const text = json
      ? JSON.stringify({ ...eventJson(event, pictures), cursor: message.cursor })
      : eventLine(event, pictures);
    console.log(text);
    album?.saved.clear();
  }
}

/** An event as `--json` prints it; `picture` is the saved file. */
function eventJson(event: Event, pictures: SavedPictures) {
  const picture = pictures.get(event.name);
  return { ...toHttpEvent(event), ...(picture !== undefined && { picture }) };
}

function startOf({ startTime }: Event): number {
  return startTime ? fromTimestamp(startTime) : 0;
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

/** Reports on stderr that following has begun, and each time the connection is lost and restored. */
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

/** Saves events' pictures in a folder, as CAMERA-ID.jpg. */
export class PictureFolder {
  /** The saved pictures, by the name of their event. */
  readonly saved = new Map<string, string>();
  readonly #client: SightlineClient;
  readonly #folder: string;
  readonly #annotated: boolean;

  constructor(client: SightlineClient, folder: string, annotated: boolean) {
    this.#client = client;
    this.#folder = folder;
    this.#annotated = annotated;
  }

  /** Saves an event's picture, if one is stored. @throws SightlineError, or when the file cannot be written */
  async save(event: Event): Promise<void> {
    if (!event.snapshotFrame) return;
    const { jpeg } = await this.#client.events
      .snapshot(event.name, { annotated: this.#annotated })
      .catch((error) => {
        if (SightlineError.from(error).reason === "snapshot_not_found") return { jpeg: undefined };
        throw error;
      });
    if (!jpeg) return;
    await mkdir(this.#folder, { recursive: true });
    const path = join(this.#folder, `${eventId(event).replace("/", "-")}.jpg`);
    await writeFile(path, jpeg);
    this.saved.set(event.name, path);
  }
}
