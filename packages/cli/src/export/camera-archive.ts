import { createHash } from "node:crypto";
import { once } from "node:events";
import { type SightlineClient, SightlineError } from "@sightline/client";
import { type Event, toIso } from "@sightline/contracts";
import { type Pack, pack } from "tar-stream";
import { CliError } from "../errors.ts";
import { detectionsAsJsonLines, eventsAsJsonLines } from "./record-formats.ts";

/** A file of JSON lines is held in memory until it is written, so it is not much larger than this. */
const maxLinesBytes = 4 * 1024 ** 2;
/** Servers deliver at most an hour. */
const maxVideoMs = 3_600_000;

/** A rest shorter than this at a video's end is no more than the time of a picture, in milliseconds. */
const restMs = 1_000;

export interface ArchiveRange {
  from: Date;
  to: Date;
  /** Whether recordings are included. */
  recordings: boolean;
}

/** A file in the archive, as listed in the manifest. */
interface ArchivedFile {
  name: string;
  bytes: number;
  sha256: string;
}

/** Contents of an archive. */
export interface Archived {
  events: number;
  pictures: number;
  frames: number;
  videos: number;
  files: ArchivedFile[];
}

/** Everything stored about a camera in a time range, as one tar file that is created while it is read. */
export class CameraArchive {
  readonly archived: Archived = { events: 0, pictures: 0, frames: 0, videos: 0, files: [] };
  readonly #client: SightlineClient;
  readonly #camera: string;
  readonly #range: ArchiveRange;
  readonly #signal: AbortSignal;
  readonly #pack: Pack = pack();
  readonly #closed: Promise<never>;

  constructor(client: SightlineClient, camera: string, range: ArchiveRange, signal: AbortSignal) {
    this.#client = client;
    this.#camera = camera;
    this.#range = range;
    this.#signal = signal;
    this.#closed = new Promise((_, reject) => {
      this.#pack.once("close", () => reject(new CliError("stopped", "the archive was not read to its end")));
    });
    this.#closed.catch(() => undefined);
  }

  /**
   * The bytes, in pieces; can be read once. Memory holds one piece of video, a picture, or a part of the lines.
   * @throws SightlineError, CliError
   */
  async *content(): AsyncGenerator<Uint8Array, void> {
    this.#fill().then(
      () => this.#pack.finalize(),
      (error: Error) => this.#pack.destroy(error),
    );
    yield* this.#pack as AsyncIterable<Uint8Array>;
  }

  async #fill(): Promise<void> {
    const { archived } = this;
    const { from, to, recordings } = this.#range;
    const query = { from, to, pageSize: 1_000, signal: this.#signal };
    const events = this.#client.events.list({ ...query, filter: { cameras: [this.#camera] } });
    await this.#lines("events", eventsAsJsonLines(this.#withPictures(events)));
    const frames = this.#client.detections.list({ ...query, cameras: [this.#camera] });
    await this.#lines("detections", detectionsAsJsonLines(counted(frames, () => archived.frames++)));
    if (recordings) await this.#videos();
    // An abort ends lists without an error; a part must not be taken for the whole list.
    this.#signal.throwIfAborted();
    const { files, ...counts } = archived;
    if (files.length === 0)
      throw new CliError("not_found", `nothing is kept of ${this.#camera} in this time`);
    const manifest = {
      camera: this.#camera,
      from: this.#range.from.toISOString(),
      to: this.#range.to.toISOString(),
      created: new Date().toISOString(),
      ...counts,
      files,
    };
    await this.#file("manifest.json", Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`));
  }

  async *#withPictures(events: AsyncIterable<Event>): AsyncGenerator<Event, void> {
    for await (const event of events) {
      this.archived.events++;
      yield event;
      if (!event.snapshotFrame) continue;
      const snapshot = await this.#client.events
        .snapshot(event.name, { signal: this.#signal })
        .catch((error: unknown) => {
          if (SightlineError.from(error).reason === "snapshot_not_found") return undefined;
          throw error;
        });
      if (!snapshot) continue;
      const id = event.name.slice(event.name.lastIndexOf("/") + 1);
      await this.#file(
        `pictures/${fileTime(new Date(toIso(event.startTime) ?? 0))}-${id}.jpg`,
        snapshot.jpeg,
      );
      this.archived.pictures++;
    }
  }

  async #videos(): Promise<void> {
    const { from, to } = this.#range;
    const onSilentIngests = (ingests: readonly string[]) => {
      throw new CliError(
        "no_answer",
        `the ingest ${ingests.join(", ")} does not answer, and may hold recordings; try again, or give --no-recordings`,
      );
    };
    const spans = await this.#client.recordings
      .spans(this.#camera, { from, to, signal: this.#signal, onSilentIngests })
      .catch(noneKept);
    const stretches = (spans ?? []).map((span): [number, number] => [
      Math.max(span.from.getTime(), from.getTime()),
      Math.min(span.to.getTime(), to.getTime()),
    ]);
    for (const [begin, end] of merged(stretches)) {
      let at = begin;
      while (at < end) {
        const upTo = Math.min(end, at + maxVideoMs);
        const range = { from: new Date(at), to: new Date(upTo) };
        const settings = { signal: this.#signal };
        const video = await this.#client.recordings.video(this.#camera, range, settings).catch(noneKept);
        if (video) {
          const name = `recordings/${String(++this.archived.videos).padStart(5, "0")}-${fileTime(video.from)}.mp4`;
          await this.#file(name, video.content, video.sizeBytes);
        }
        // A video ends where codec or size change; the video of another ingest comes after it. The oldest may be deleted meanwhile.
        const reached = video?.to.getTime() ?? upTo;
        at = reached > at && reached < upTo - restMs ? reached : upTo;
      }
    }
  }

  async #lines(name: string, lines: AsyncIterable<string>): Promise<void> {
    let held: string[] = [];
    let bytes = 0;
    let part = 0;
    const write = async () => {
      if (bytes === 0) return;
      await this.#file(`${name}/${String(++part).padStart(5, "0")}.jsonl`, Buffer.from(held.join("")));
      held = [];
      bytes = 0;
    };
    for await (const line of lines) {
      held.push(line);
      bytes += Buffer.byteLength(line);
      if (bytes >= maxLinesBytes) await write();
    }
    await write();
  }

  async #file(
    name: string,
    content: Uint8Array | AsyncIterable<Uint8Array>,
    size = (content as Uint8Array).byteLength,
  ): Promise<void> {
    const hash = createHash("sha256");
    const entry = this.#pack.entry({ name: `${this.#camera}/${name}`, size, mtime: new Date() });
    for await (const piece of content instanceof Uint8Array ? [content] : content) {
      hash.update(piece);
      if (!entry.write(piece)) await Promise.race([once(entry, "drain"), this.#closed]);
    }
    entry.end(undefined);
    this.archived.files.push({ name, bytes: size, sha256: hash.digest("hex") });
  }
}

async function* counted<T>(items: AsyncIterable<T>, count: () => void): AsyncGenerator<T, void> {
  for await (const item of items) {
    count();
    yield item;
  }
}

/** Time ranges, without those that others cover. */
function merged(stretches: [number, number][]): [number, number][] {
  const all: [number, number][] = [];
  for (const [begin, end] of stretches.sort(([a], [b]) => a - b)) {
    const last = all.at(-1);
    if (last && begin <= last[1]) last[1] = Math.max(last[1], end);
    else all.push([begin, end]);
  }
  return all;
}

function noneKept(error: unknown): undefined {
  const { code } = SightlineError.from(error);
  if (code !== "NOT_FOUND") throw error;
  return undefined;
}

function fileTime(time: Date): string {
  return time.toISOString().replaceAll(":", "-");
}
