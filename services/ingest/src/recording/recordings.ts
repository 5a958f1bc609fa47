import { mkdirSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { StoredRecording } from "@sightline/contracts";
import { type DeleteReason, RecordingFolder, type Segment } from "@sightline/recording";
import { diskRoom, diskText, isDiskFull, type Logger } from "@sightline/service";
import { wallClockMs } from "@sightline/service/clock";
import type { EventRanges, RollTimes } from "./event-ranges.ts";
import { FolderLock } from "./folder-lock.ts";

const lookMs = 1_000;
/** If a write to the disk failed, it is tried again after this long. */
const retryMs = 5_000;
/** Events are published at most this late: until then, parts that no event needs are kept. */
const lateMs = 60_000;
const moreRoom = "free space, or lower SIGHTLINE_RECORDINGS_MAX_GIB";

export interface RecordingsOptions extends RollTimes {
  /** Undefined, or 0 bytes: nothing is recorded. */
  directory: string | undefined;
  maxBytes: number;
  defaults: RecordingDefaults;
  /** The recording settings in a camera's record. */
  settingsOf: (camera: string) => StoredRecording | undefined;
  onDeleted: (why: DeleteReason, bytes: number) => void;
}

/** The recordings of all cameras on this process's disk: what is kept, for how long, and whether the disk accepts more. */
export class RecordingsOnDisk {
  readonly options: RecordingsOptions;
  readonly #log: Logger;
  readonly #timer: NodeJS.Timeout;
  #events: EventRanges | undefined;
  #folder: RecordingFolder | undefined;
  #lock: FolderLock | undefined;
  #fault: string | undefined;
  #triedAt = Number.NEGATIVE_INFINITY;
  #knewEvents = false;
  #lookedAtAll = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | undefined;

  private constructor(options: RecordingsOptions, log: Logger) {
    this.options = options;
    this.#log = log;
    this.#timer = setInterval(() => void this.#lookOnce(), lookMs);
  }

  static async start(options: RecordingsOptions, log: Logger): Promise<RecordingsOnDisk> {
    const recordings = new RecordingsOnDisk(options, log);
    await recordings.#lookOnce();
    return recordings;
  }

  /** Whether this process records at all. */
  get enabled(): boolean {
    return this.options.directory !== undefined && this.options.maxBytes > 0;
  }

  /** Undefined while the folder cannot be used. */
  get folder(): RecordingFolder | undefined {
    return this.#folder;
  }

  /** Why nothing can be written, and what to do; undefined when all is well. */
  get fault(): string | undefined {
    return this.enabled ? this.#fault : undefined;
  }

  policyOf(camera: string): RecordingPolicy {
    const policy = recordingPolicy(this.options.settingsOf(camera), this.options.defaults);
    return this.enabled ? policy : { ...policy, mode: "off" };
  }

  /** From now on, events decide what is kept. */
  follow(events: EventRanges): void {
    this.#events = events;
  }

  /** A write to the disk failed. */
  failed(error: Error): void {
    const full = (error as NodeJS.ErrnoException).code === "ENOSPC";
    this.#fail(full ? `the disk of ${this.options.directory} is full; ${moreRoom}` : error.message, error);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
    await this.#folder?.settled();
    this.#lock?.release();
  }

  async #lookOnce(): Promise<void> {
    if (!this.enabled) return;
    this.#looking ??= this.#look()
      .catch((error: Error) => this.#fail(error.message, error))
      .finally(() => {
        this.#looking = undefined;
      });
    await this.#looking;
  }

  async #look(): Promise<void> {
    const directory = this.options.directory!;
    const mayTry = performance.now() - this.#triedAt >= retryMs;
    if (!this.#folder) {
      if (!mayTry) return;
      this.#triedAt = performance.now();
      await this.#open(directory);
    }
    const room = await diskRoom(directory);
    if (room && isDiskFull(room)) this.#fail(`${diskText(room)}; ${moreRoom}`);
    else if (this.#fault !== undefined && mayTry) await this.#try(directory);
    this.#keep();
  }

  async #open(directory: string): Promise<void> {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#lock ??= FolderLock.take(directory);
    this.#folder = await RecordingFolder.open({
      ...{ directory, maxBytes: this.options.maxBytes },
      onFault: (error) => this.#log.warn({ err: error }, "a recorded file could not be changed"),
      onDeleted: (segment, why) => this.options.onDeleted(why, segment.bytes),
    });
    const { index } = this.#folder;
    this.#log.info(
      { directory, bytes: index.bytes, cameras: index.cameras().length },
      "recordings on the disk were found",
    );
  }

  /** Checks whether the disk accepts writes again. */
  async #try(directory: string): Promise<void> {
    this.#triedAt = performance.now();
    const path = join(directory, "trial");
    await writeFile(path, Buffer.alloc(64 * 1024));
    await rm(path);
    this.#fault = undefined;
    this.#log.info({ directory }, "recordings can be written again");
  }

  #fail(reason: string, error?: Error): void {
    const text = `recording has stopped: ${reason}`;
    if (this.#fault === undefined) {
      this.#log.error({ reason, err: error }, "recording has stopped; the analysis continues");
      this.#triedAt = performance.now();
    }
    this.#fault = text;
  }

  /** Marks what events need, and deletes what no event needs or what is old. Looks at everything only from time to time. */
  #keep(): void {
    const folder = this.#folder;
    if (!folder) return;
    const now = wallClockMs();
    const current = this.#events?.current ?? false;
    const all = performance.now() - this.#lookedAtAll > lateMs || (current && !this.#knewEvents);
    this.#knewEvents = current;
    if (all) this.#lookedAtAll = performance.now();
    const recent = now - 2 * lateMs;
    for (const camera of folder.index.cameras()) {
      const policy = this.policyOf(camera);
      const since = all ? 0 : Math.min(recent, this.#events?.earliest(camera) ?? recent);
      for (const segment of folder.index.since(camera, since)) this.#keepOne(folder, segment, policy, now);
    }
    this.#events?.forget(now - 2 * lateMs - this.options.preRollMs);
  }

  #keepOne(folder: RecordingFolder, segment: Segment, policy: RecordingPolicy, now: number): void {
    const { kind, camera, fromMs, endMs, toMs } = segment;
    const events = this.#events;
    if (kind !== "event" && events?.wants(camera, fromMs, endMs)) {
      void folder.setKind(segment, "event");
      return;
    }
    if (toMs === undefined) return;
    const age = now - endMs;
    if (kind === "pending") {
      if (events?.current && age > lateMs + this.options.preRollMs) void folder.delete(segment, "unwanted");
    } else if (age > (kind === "event" ? policy.eventsMaxAgeMs : policy.maxAgeMs))
      void folder.delete(segment, "age");
  }
}

/** When a camera's video is kept. */
export type RecordingMode = NonNullable<StoredRecording["mode"]>;

/** Which parts of a camera's video are kept, and for how long. */
export interface RecordingPolicy {
  mode: RecordingMode;
  maxAgeMs: number;
  eventsMaxAgeMs: number;
}

/** The process's settings, used where a camera has none. */
export interface RecordingDefaults {
  mode: RecordingMode;
  maxAgeDays: number;
  eventsMaxAgeDays: number;
}

const dayMs = 24 * 60 * 60_000;

/** The policy for a camera with these settings; the settings of an unregistered camera are undefined. */
export function recordingPolicy(
  settings: StoredRecording | undefined,
  defaults: RecordingDefaults,
): RecordingPolicy {
  const { mode = defaults.mode, maxAgeDays, eventsMaxAgeDays = maxAgeDays } = settings ?? {};
  return {
    mode,
    maxAgeMs: (maxAgeDays ?? defaults.maxAgeDays) * dayMs,
    eventsMaxAgeMs: (eventsMaxAgeDays ?? defaults.eventsMaxAgeDays) * dayMs,
  };
}
