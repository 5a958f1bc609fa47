import {
  CameraReason,
  type CameraTransition,
  CrossingDirection,
  EndReason,
  type Event,
  EventPhase,
  EventType,
  fromTimestamp,
} from "@sightline/contracts";
import type { CameraDownState, Instant } from "./engine-state.ts";
import { type EventWriter, endTime } from "./event-writer.ts";

/** What is known about a camera. */
export type CameraKnowledge = "unknown" | "up" | "down";

/** The events camera_down and camera_up, which need no rule. */
export class CameraEvents {
  known: CameraKnowledge;
  open: CameraDownState | null;
  readonly #writer: EventWriter;

  constructor(writer: EventWriter, known: CameraKnowledge, open: CameraDownState | null) {
    this.#writer = writer;
    this.known = known;
    this.open = open;
  }

  /** A frame arrived. When the camera was down, the transition reports that it is up again. */
  frame(): void {
    if (this.known === "unknown") this.known = "up";
  }

  down(now: Instant, { reason, message, continued }: CameraTransition): Event[] {
    this.known = "down";
    if (continued) this.open ??= goOnWith(continued, now);
    const words = message === "" ? "camera is down" : `camera is down: ${message}`;
    if (this.open === null) {
      this.open = { id: this.#writer.newId(), revision: 1, start: now, reason };
      return [this.#event(EventType.CAMERA_DOWN, EventPhase.START, this.open, now, words)];
    }
    if (this.open.reason === reason) return [];
    this.open.reason = reason;
    this.open.revision++;
    return [this.#event(EventType.CAMERA_DOWN, EventPhase.UPDATE, this.open, now, words)];
  }

  /** The camera is not registered any more: nobody expects its frames, so no event begins. */
  removed(now: Instant): Event[] {
    return this.#end(now, "camera was removed", EndReason.CAMERA_REMOVED);
  }

  up(now: Instant): Event[] {
    if (this.known === "up") return [];
    this.known = "up";
    const reason = this.open?.reason ?? CameraReason.UNSPECIFIED;
    const events = this.#end(now, "camera is up again", EndReason.CONDITION_OVER);
    const momentary: CameraDownState = { id: this.#writer.newId(), revision: 1, start: now, reason };
    const event = this.#event(EventType.CAMERA_UP, EventPhase.ONCE, momentary, now, "camera is up");
    event.endTime = { ...now.time };
    events.push(event);
    return events;
  }

  /** Ends the open camera_down, if there is one. */
  #end(now: Instant, message: string, reason: EndReason): Event[] {
    if (this.open === null) return [];
    this.open.revision++;
    const event = this.#event(EventType.CAMERA_DOWN, EventPhase.END, this.open, now, message);
    event.endTime = { ...endTime(this.open.start, now) };
    event.endReason = reason;
    this.open = null;
    return [event];
  }

  #event(type: EventType, phase: EventPhase, about: CameraDownState, now: Instant, message: string): Event {
    return {
      name: this.#writer.nameOf(about.id),
      type,
      phase,
      revision: about.revision,
      rule: "",
      zone: "",
      line: "",
      direction: CrossingDirection.UNSPECIFIED,
      track: undefined,
      count: 0,
      startTime: { ...about.start.time },
      updateTime: { ...now.time },
      endTime: undefined,
      endReason: EndReason.UNSPECIFIED,
      frame: undefined,
      snapshotFrame: undefined,
      snapshotScore: 0,
      hasClip: false,
      review: undefined,
      cameraReason: about.reason,
      message,
    };
  }
}

/** Continues an event that an earlier analysis began. */
function goOnWith({ name, revision, startTime, cameraReason }: Event, now: Instant): CameraDownState {
  const time = startTime ?? now.time;
  const sinceMs = fromTimestamp(now.time) - fromTimestamp(time);
  const start = { ms: now.ms - Math.max(0, sinceMs), time: { ...time } };
  return { id: name.slice(name.lastIndexOf("/") + 1), revision, start, reason: cameraReason };
}
