import {
  CameraReason,
  type CameraTransition,
  CrossingDirection,
  EndReason,
  type Event,
  EventPhase,
  EventType,
} from "@sightline/contracts";
import type { CameraDownState, Instant } from "./engine-state.ts";
import { type EventWriter, endTime } from "./event-writer.ts";

/** What is known of a camera. */
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

  /** A frame came. That a camera which was down is up is for the transition to say. */
  frame(): void {
    if (this.known === "unknown") this.known = "up";
  }

  down(now: Instant, { reason, message }: CameraTransition): Event[] {
    this.known = "down";
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

  up(now: Instant): Event[] {
    if (this.known === "up") return [];
    this.known = "up";
    const events: Event[] = [];
    let reason: CameraReason = CameraReason.UNSPECIFIED;
    if (this.open !== null) {
      reason = this.open.reason;
      this.open.revision++;
      const event = this.#event(EventType.CAMERA_DOWN, EventPhase.END, this.open, now, "camera is up again");
      event.endTime = { ...endTime(this.open.start, now) };
      event.endReason = EndReason.CONDITION_OVER;
      events.push(event);
      this.open = null;
    }
    const momentary: CameraDownState = { id: this.#writer.newId(), revision: 1, start: now, reason };
    const event = this.#event(EventType.CAMERA_UP, EventPhase.ONCE, momentary, now, "camera is up");
    event.endTime = { ...now.time };
    events.push(event);
    return events;
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
      cameraReason: about.reason,
      message,
    };
  }
}
