import type { Event, FrameDetections } from "@sightline/contracts";
import type { ConsumeResponse } from "@sightline/contracts/api";
import { fromGap, type MissingMessages } from "../start.ts";
import type { Answers, RejectOptions } from "./answers.ts";

/** What a message of a named subscription is about. */
export type Content = { kind: "event"; event: Event } | { kind: "frame"; frame: FrameDetections };

interface Delivery {
  /** 1 for the first delivery. */
  deliveryAttempt: number;
  /**
   * Says that the message has been processed; resolves when the server has the answer. While the server is away it retries.
   * If it fails permanently, or comes too late, the message is delivered again. @throws SightlineError
   */
  ack(): Promise<void>;
  /** Asks for the message to be delivered again, or to become a dead letter; resolves when the server has the answer. @throws SightlineError */
  reject(options?: RejectOptions): Promise<void>;
}

/** A message that waits for its acknowledgement. */
export type DeliveredMessage = Content & Delivery;

/** What a named subscription gives a reader: a message, or that some expired before this subscription got to them. */
export type SubscriptionMessage = DeliveredMessage | { kind: "gap"; gap: MissingMessages };

/** What the server's answer says; undefined when it says nothing that is known here. */
export function toMessage(
  { message, ackId, deliveryAttempt }: ConsumeResponse,
  answers: Answers,
): SubscriptionMessage | undefined {
  const delivery: Delivery = {
    deliveryAttempt,
    ack: () => answers.acknowledge(ackId),
    reject: (options = {}) => answers.reject(ackId, options),
  };
  switch (message?.$case) {
    case "event":
      return { kind: "event", event: message.value, ...delivery };
    case "frame":
      return { kind: "frame", frame: message.value, ...delivery };
    case "gap":
      return { kind: "gap", gap: fromGap(message.value) };
    case undefined:
      return undefined;
  }
}

/** Resource name of the camera that a message is of. */
export function cameraOf(message: Content): string {
  if (message.kind === "frame") return message.frame.frame?.camera ?? "";
  return message.event.name.split("/events/", 1)[0]!;
}
