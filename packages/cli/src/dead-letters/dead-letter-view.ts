import type { DeadLetter } from "@sightline/client";
import { cameraIdOf, type HttpEvent, toIso } from "@sightline/contracts";
import { toHttpEvent } from "@sightline/contracts/api";

/** A dead letter as `dead-letters list --json` prints it. */
export interface DeadLetterJson {
  id: string;
  reason: string;
  deliveryAttempts: number;
  createTime: string | null;
  event: (HttpEvent & { name: string }) | null;
  /** For a subscription to detections. */
  frame: { camera: string; epoch: string; number: number } | null;
}

/** Last part of a dead letter's resource name. */
export function deadLetterId({ name }: DeadLetter): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

export function deadLetterJson(letter: DeadLetter): DeadLetterJson {
  const { message, reason, deliveryAttempts, createTime } = letter;
  const event = message?.$case === "event" ? message.value : undefined;
  const frame = message?.$case === "frame" ? message.value.frame : undefined;
  return {
    id: deadLetterId(letter),
    reason,
    deliveryAttempts,
    createTime: toIso(createTime),
    event: event ? { name: event.name, ...toHttpEvent(event) } : null,
    frame: frame
      ? { camera: cameraIdOf(frame.camera) ?? frame.camera, epoch: frame.epoch, number: frame.number }
      : null,
  };
}

/** One line for people: id, time, subject, and why it was not delivered. */
export function deadLetterText(letter: DeadLetter): string {
  const { id, reason, createTime, event, frame } = deadLetterJson(letter);
  const about = event
    ? `${event.camera}/${event.id} ${event.type} ${event.phase} (revision ${event.revision})`
    : `frame ${frame?.number ?? "?"} of ${frame?.camera ?? "?"}`;
  return `${id}  ${createTime ?? ""}  ${about}: ${reason}`;
}
