import {
  CameraReason,
  CrossingDirection,
  EndReason,
  type Event,
  EventPhase,
  type FrameReference,
  fromTimestamp,
  type Timestamp,
  type Track,
  toTimestamp,
} from "@sightline/contracts";
import type { Instant, OpenEvent } from "./engine-state.ts";
import { eventWords } from "./event-words.ts";
import type { ReadyRule, Scene } from "./scene.ts";
import type { Tracked } from "./tracked.ts";

/** The moment at which rules are evaluated: a frame, or time that passed without one. */
export interface Moment {
  readonly now: Instant;
  readonly frame: FrameReference | undefined;
  /** Receives the new events. */
  readonly events: Event[];
}

/** What an event is about. */
export interface Subject {
  readonly track?: Tracked | undefined;
  readonly count?: number;
  readonly direction?: CrossingDirection;
}

/** Updates of an open event are published at most this often; its end is not delayed. */
const updateIntervalMs = 1000;
/** A view is published when it is this many times as good as the last published view. */
const betterView = 1.2;
/** Wall clock and the analysis's clock may differ by this much about the duration of an event. */
const clockToleranceMs = 1000;

/** Writes the messages about events of rules and gives events their IDs. */
export class EventWriter {
  scene: Scene;
  nextEvent: number;
  readonly #camera: string;
  readonly #incarnation: string;

  constructor(camera: string, incarnation: string, scene: Scene, nextEvent: number) {
    this.#camera = camera;
    this.#incarnation = incarnation;
    this.scene = scene;
    this.nextEvent = nextEvent;
  }

  newId(): string {
    return `${this.#incarnation}-e${this.nextEvent++}`;
  }

  nameOf(id: string): string {
    return `cameras/${this.#camera}/events/${id}`;
  }

  /** @param view how well the object can be seen in this frame */
  start(rule: ReadyRule, moment: Moment, start: Instant, subject: Subject, view: number): OpenEvent {
    const open: OpenEvent = {
      id: this.newId(),
      revision: 1,
      start,
      sentMs: moment.now.ms,
      view,
      snapshot: stored(moment.frame),
      snapshotScore: scoreOf(subject),
      count: subject.count ?? 0,
      objectClass: classOf(subject),
      attributes: attributesOf(subject),
    };
    this.#write(rule, moment, open, EventPhase.START, subject);
    return open;
  }

  /** Publishes a change, unless no change is worth it or the last message is too recent. */
  update(rule: ReadyRule, moment: Moment, open: OpenEvent, subject: Subject, view: number): void {
    const isBetter = moment.frame !== undefined && view > 0 && view >= open.view * betterView;
    const count = subject.count ?? 0;
    const learned = newAttributes(open, subject);
    const isChanged = isBetter || count !== open.count || learned.length > 0;
    if (!isChanged || moment.now.ms - open.sentMs < updateIntervalMs) return;
    open.attributes.push(...learned);
    open.revision++;
    open.sentMs = moment.now.ms;
    open.count = count;
    if (isBetter) {
      open.view = view;
      open.snapshot = stored(moment.frame);
      open.snapshotScore = scoreOf(subject);
    }
    this.#write(rule, moment, open, EventPhase.UPDATE, subject);
  }

  end(
    rule: ReadyRule,
    moment: Moment,
    open: OpenEvent,
    subject: Subject,
    end: Instant,
    reason: EndReason,
  ): void {
    open.attributes.push(...newAttributes(open, subject));
    open.revision++;
    this.#write(rule, moment, open, EventPhase.END, subject, endTime(open.start, end), reason);
  }

  /** @param snapshot the frame that shows the event */
  once(
    rule: ReadyRule,
    moment: Moment,
    at: Instant,
    subject: Subject,
    snapshot: FrameReference | null | undefined,
  ): void {
    const open: OpenEvent = {
      id: this.newId(),
      revision: 1,
      start: at,
      sentMs: moment.now.ms,
      view: 0,
      snapshot: stored(snapshot ?? undefined),
      snapshotScore: scoreOf(subject),
      count: 0,
      objectClass: classOf(subject),
      attributes: attributesOf(subject),
    };
    this.#write(rule, moment, open, EventPhase.ONCE, subject, at.time);
  }

  #write(
    ready: ReadyRule,
    { now, frame, events }: Moment,
    open: OpenEvent,
    phase: EventPhase,
    subject: Subject,
    end?: Timestamp,
    reason: EndReason = EndReason.UNSPECIFIED,
  ): void {
    const { rule } = ready;
    const event: Event = {
      name: this.nameOf(open.id),
      type: rule.type,
      phase,
      revision: open.revision,
      rule: rule.name,
      zone: rule.zone,
      line: rule.line,
      direction: subject.direction ?? CrossingDirection.UNSPECIFIED,
      track: subject.track && this.#track(subject.track, open),
      count: subject.count ?? 0,
      startTime: { ...open.start.time },
      updateTime: { ...now.time },
      endTime: end && { ...end },
      endReason: reason,
      frame: frame && { ...frame },
      snapshotFrame: open.snapshot === null ? undefined : { ...open.snapshot },
      snapshotScore: open.snapshot === null ? 0 : open.snapshotScore,
      hasClip: false,
      review: undefined,
      cameraReason: CameraReason.UNSPECIFIED,
      message: "",
    };
    event.message = eventWords(event, rule);
    events.push(event);
  }

  /** An event keeps its first class and the published attributes, so a consumer that filters by them also gets its end. */
  #track({ state, inZone }: Tracked, { objectClass, attributes }: OpenEvent): Track {
    const { classId, className } = objectClass ?? state;
    return {
      id: state.id,
      classId,
      className,
      score: state.score,
      bestScore: state.bestScore,
      pixelBox: { ...state.pixelBox },
      normalizedBox: { ...state.normalizedBox },
      startTime: { ...state.startTime },
      zones: this.scene.zoneNames.filter((_, index) => inZone[index]),
      attributes: attributes.map((attribute) => ({ ...attribute })),
    };
  }
}

function scoreOf({ track }: Subject): number {
  return track?.state.score ?? 0;
}

function classOf({ track }: Subject): OpenEvent["objectClass"] {
  return track ? { classId: track.state.classId, className: track.state.className } : null;
}

function attributesOf({ track }: Subject): OpenEvent["attributes"] {
  return track?.state.attributes.map((attribute) => ({ ...attribute })) ?? [];
}

/** Attributes of the object that are known and not published yet. */
function newAttributes(open: OpenEvent, subject: Subject): OpenEvent["attributes"] {
  return attributesOf(subject).filter(({ name }) => !open.attributes.some((told) => told.name === name));
}

function stored(frame: FrameReference | undefined): OpenEvent["snapshot"] {
  return frame?.captureTime === undefined ? null : { ...frame, captureTime: { ...frame.captureTime } };
}

/**
 * The wall-clock time of an event's end, never before its start. If the wall clock was set in between, the two times would not give the
 * event's duration. Then the end is the start plus the duration.
 */
export function endTime(start: Instant, end: Instant): Timestamp {
  const elapsedMs = Math.max(0, end.ms - start.ms);
  const wallMs = fromTimestamp(end.time) - fromTimestamp(start.time);
  if (wallMs >= 0 && Math.abs(wallMs - elapsedMs) <= clockToleranceMs) return end.time;
  return toTimestamp(fromTimestamp(start.time) + elapsedMs);
}
