import { headers, type MsgHdrs } from "@nats-io/transport-node";
import { Event, formatFrameId, subjects, TimelineEntry } from "@sightline/contracts";
import { type HeldLease, type Nats, traceHeader } from "@sightline/service";
import { TimelineError } from "./errors.ts";

const publishTimeoutMs = 2_000;
const sequenceHeader = "Sightline-Timeline-Sequence";
const indexHeader = "Sightline-Event-Index";
const detectionsHeader = "Sightline-Detections-Sequence";

/** The header by which NATS recognizes duplicates. */
export const messageIdHeader = "Nats-Msg-Id";

/** The id by which NATS recognizes a message about an event; `place` distinguishes the messages of one analysis. */
export function eventMessageId(camera: string, incarnation: string, place: string): string {
  return `${camera}:${incarnation}:${place}`;
}

/** The origin of an event: the entry's sequence, and the event's index among those of the entry. */
export interface EventOrigin {
  sequence: number;
  index: number;
}

/** Reads the origin of a message in the stream of events; undefined when the message has none. */
export function originOf(messageHeaders: MsgHdrs | undefined): EventOrigin | undefined {
  const [sequence, index] = [sequenceHeader, indexHeader].map((name) => numberIn(messageHeaders, name));
  return Number.isSafeInteger(sequence) && Number.isSafeInteger(index)
    ? { sequence: sequence!, index: index! }
    : undefined;
}

/**
 * The message of the stream of detections up to which all were taken into account when an event was published; 0 when the
 * headers do not say.
 */
export function detectionsBefore(messageHeaders: MsgHdrs | undefined): number {
  return numberIn(messageHeaders, detectionsHeader) || 0;
}

function numberIn(messageHeaders: MsgHdrs | undefined, name: string): number {
  return Number(messageHeaders?.get(name) || Number.NaN);
}

/**
 * Writes one camera's timeline and events, one message after another. Each entry names the one it follows, so no other
 * process can write in between. If it is uncertain whether an entry was stored, it must be looked up in the stream.
 */
export class TimelineWriter {
  readonly #nats: Nats;
  readonly #camera: string;
  readonly #incarnation: string;
  readonly #lease: HeldLease;
  #last: number;
  #lastEvent: number;

  /**
   * `last`, `lastEvent`: sequences of the camera's last entry and of its last event in their streams; 0 when there is none.
   */
  constructor(
    nats: Nats,
    camera: string,
    incarnation: string,
    lease: HeldLease,
    last: number,
    lastEvent: number,
  ) {
    this.#nats = nats;
    this.#camera = camera;
    this.#incarnation = incarnation;
    this.#lease = lease;
    this.#last = last;
    this.#lastEvent = lastEvent;
  }

  /** Sequence of the last entry. */
  get last(): number {
    return this.#last;
  }

  /** Sequence of the last event. */
  get lastEvent(): number {
    return this.#lastEvent;
  }

  /**
   * Appends an entry, with a frame's trace, and returns its sequence.
   * @throws when it is uncertain whether the entry was stored
   */
  async entry(
    entry: NonNullable<TimelineEntry["entry"]>,
    detectionsSequence: number,
    trace?: string,
  ): Promise<number> {
    this.#checkLease();
    const incarnation = this.#incarnation;
    const data = TimelineEntry.encode({ entry, detectionsSequence, incarnation }).finish();
    const frame = entry.$case === "frame" ? entry.value.frame! : undefined;
    const msgID = frame && formatFrameId({ ...frame, camera: this.#camera });
    const traced = trace === undefined ? undefined : headers();
    traced?.set(traceHeader, trace!);
    const { seq, duplicate } = await this.#nats.jetstream.publish(subjects.timeline(this.#camera), data, {
      expect: { lastSubjectSequence: this.#last },
      timeout: publishTimeoutMs,
      ...(msgID !== undefined && { msgID }),
      ...(traced && { headers: traced }),
    });
    if (duplicate)
      throw new TimelineError("frame_duplicate", `frame ${msgID} is already in the timeline, at ${seq}`);
    this.#last = seq;
    return seq;
  }

  /**
   * Publishes an event, unless it is already there. Returns whether it was published now.
   * @throws when NATS does not answer
   */
  async event(event: Event, { sequence, index }: EventOrigin, detectionsSequence: number): Promise<boolean> {
    const origin = headers();
    origin.set(sequenceHeader, String(sequence));
    origin.set(indexHeader, String(index));
    origin.set(detectionsHeader, String(detectionsSequence));
    const id = eventMessageId(this.#camera, this.#incarnation, `${sequence}:${index}`);
    return this.#store(event, id, origin);
  }

  /**
   * Publishes the end of an event that an earlier analysis left open.
   * @throws when NATS does not answer
   */
  async lostEvent(event: Event, detectionsSequence: number): Promise<void> {
    const origin = headers();
    origin.set(detectionsHeader, String(detectionsSequence));
    await this.#store(event, `${event.name}:${event.revision}:lost`, origin);
  }

  async #store(event: Event, msgID: string, origin: MsgHdrs): Promise<boolean> {
    this.#checkLease();
    const id = event.name.slice(event.name.lastIndexOf("/") + 1);
    const { seq, duplicate } = await this.#nats.jetstream.publish(
      subjects.event(this.#camera, id),
      Event.encode(event).finish(),
      { msgID, headers: origin, timeout: publishTimeoutMs },
    );
    if (!duplicate && seq <= this.#lastEvent)
      throw new TimelineError("timeline_conflict", "the stream of events has lost its newest messages");
    this.#lastEvent = Math.max(this.#lastEvent, seq);
    return !duplicate;
  }

  #checkLease(): void {
    if (!this.#lease.held)
      throw new TimelineError("interrupted", `the lease of camera '${this.#camera}' is no longer held`);
  }
}
