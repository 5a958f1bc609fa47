import { Event, EventPhase, EventType, fromTimestamp, streams } from "@sightline/contracts";
import { type Logger, type Nats, pause, StreamRead } from "@sightline/service";

/** When this process starts, events of this long ago are read again. */
const replayMs = 60 * 60_000;
const retryMs = 1_000;

interface Range {
  fromMs: number;
  /** Infinity while the event is open. */
  toMs: number;
}

export interface RollTimes {
  preRollMs: number;
  postRollMs: number;
}

/** The time ranges of cameras' recordings that events need, from the stream EVENTS. */
export class EventRanges {
  readonly #nats: Nats;
  readonly #roll: RollTimes;
  readonly #log: Logger;
  /** By camera, then by the last part of the event's name. */
  readonly #ranges = new Map<string, Map<string, Range>>();
  readonly #reading: Promise<void>;
  readonly #stopping = new AbortController();
  #sinceMs = Date.now() - replayMs;
  #current = false;

  constructor(nats: Nats, roll: RollTimes, log: Logger) {
    this.#nats = nats;
    this.#roll = roll;
    this.#log = log;
    this.#reading = this.#read();
  }

  /** Whether all events that were published so far are known. */
  get current(): boolean {
    return this.#current;
  }

  /** Whether an event needs any of this time range. */
  wants(camera: string, fromMs: number, toMs: number): boolean {
    for (const range of this.#ranges.get(camera)?.values() ?? [])
      if (range.fromMs < toMs && range.toMs > fromMs) return true;
    return false;
  }

  /** The beginning of the earliest time that an event needs; undefined when none needs any. */
  earliest(camera: string): number | undefined {
    const ranges = [...(this.#ranges.get(camera)?.values() ?? [])];
    return ranges.length === 0
      ? undefined
      : ranges.reduce((least, { fromMs }) => Math.min(least, fromMs), Infinity);
  }

  /** Forgets the ranges that ended before this time. */
  forget(beforeMs: number): void {
    for (const [camera, ranges] of this.#ranges) {
      for (const [event, { toMs }] of ranges) if (toMs < beforeMs) ranges.delete(event);
      if (ranges.size === 0) this.#ranges.delete(camera);
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#reading;
  }

  async #read(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#readOnce();
      } catch (error) {
        this.#log.debug({ err: error }, "events cannot be read yet; trying again");
      }
      this.#current = false;
      await pause(retryMs, signal);
    }
  }

  async #readOnce(): Promise<void> {
    const from = { time: new Date(this.#sinceMs) };
    const options = { from, heartbeatMs: 5_000 };
    const read = await StreamRead.open(this.#nats.jetstream, streams.events, options, this.#stopping.signal);
    this.#current = read.pending === 0;
    for await (const message of read) {
      const [, camera, event] = message.subject.split(".");
      if (camera !== undefined && event !== undefined) this.#take(camera, event, message.data);
      this.#sinceMs = Math.max(this.#sinceMs, message.time.getTime());
      this.#current = message.info.pending === 0;
    }
  }

  #take(camera: string, id: string, data: Uint8Array): void {
    let event: Event;
    try {
      event = Event.decode(data);
    } catch (error) {
      this.#log.warn({ camera, err: error }, "an event cannot be read; it is ignored");
      return;
    }
    const range = rangeOf(event, this.#roll);
    if (!range) return;
    const ranges = this.#ranges.get(camera) ?? new Map<string, Range>();
    this.#ranges.set(camera, ranges.set(id, range));
  }
}

/** The range that an event needs: all of it while it is open; for a camera that is down, what led to that. */
function rangeOf(
  { type, phase, startTime, endTime }: Event,
  { preRollMs, postRollMs }: RollTimes,
): Range | undefined {
  if (!startTime) return undefined;
  const start = fromTimestamp(startTime);
  const momentary =
    phase === EventPhase.ONCE || type === EventType.CAMERA_DOWN || type === EventType.CAMERA_UP;
  const end = momentary ? start : endTime ? fromTimestamp(endTime) : Number.POSITIVE_INFINITY;
  return { fromMs: start - preRollMs, toMs: end + postRollMs };
}
