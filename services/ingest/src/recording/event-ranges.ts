import { setTimeout as delay } from "node:timers/promises";
import { Event, EventPhase, EventType, fromTimestamp, streams } from "@sightline/contracts";
import { type Logger, type Nats, StreamRead } from "@sightline/service";

/** Events of so long ago are read again when this process begins. */
const replayMs = 60 * 60_000;
const retryMs = 1_000;

interface Range {
  fromMs: number;
  /** Infinity while the event goes on. */
  toMs: number;
}

export interface RollTimes {
  preRollMs: number;
  postRollMs: number;
}

/** The times that events want of cameras' recordings, as the stream EVENTS tells of them. */
export class EventRanges {
  readonly #nats: Nats;
  readonly #roll: RollTimes;
  readonly #log: Logger;
  /** By camera, then by the event's last part of its name. */
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

  /** Whether all events that have been told are known. */
  get current(): boolean {
    return this.#current;
  }

  /** Whether an event wants something of these times. */
  wants(camera: string, fromMs: number, toMs: number): boolean {
    for (const range of this.#ranges.get(camera)?.values() ?? [])
      if (range.fromMs < toMs && range.toMs > fromMs) return true;
    return false;
  }

  /** The beginning of the earliest time that an event wants; undefined when none wants any. */
  earliest(camera: string): number | undefined {
    const ranges = [...(this.#ranges.get(camera)?.values() ?? [])];
    return ranges.length === 0
      ? undefined
      : ranges.reduce((least, { fromMs }) => Math.min(least, fromMs), Infinity);
  }

  /** Forgets the ranges that ended before a time. */
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
      await delay(retryMs, undefined, { signal }).catch(() => undefined);
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

/** What an event wants: all of it while it goes on; of a camera that is down, what led to it. */
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
