import type { SightlineClient } from "@sightline/client";
import { cameraIdOf } from "@sightline/contracts";

/** Follows detections and events at one results process, as an application does, and records what came and when. */
export class ChaosWatch {
  /** Arrival times of each camera's results, in monotonic milliseconds. */
  readonly results = new Map<string, number[]>();
  /** The event messages in order: `{name} {revision}`, or what came instead. */
  readonly events: string[] = [];
  readonly #ending = new AbortController();
  readonly #following: Promise<unknown>;
  /** Why following ended unexpectedly. */
  failure: Error | undefined;

  constructor(client: SightlineClient, cameras: readonly string[]) {
    for (const camera of cameras) this.results.set(camera, []);
    this.#following = Promise.all([this.#followResults(client), this.#followEvents(client)]).catch(
      (error: Error) => {
        this.failure = error;
      },
    );
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#following;
  }

  async #followResults({ detections }: SightlineClient): Promise<void> {
    const { signal } = this.#ending;
    for await (const message of detections.subscribe({ includeEmpty: true, signal }))
      if (message.kind === "frame")
        this.results.get(cameraIdOf(message.frame.frame!.camera) ?? "")?.push(performance.now());
  }

  async #followEvents({ events }: SightlineClient): Promise<void> {
    const { signal } = this.#ending;
    for await (const message of events.subscribe({ start: "beginning", signal }))
      this.events.push(
        message.kind === "event" ? `${message.event.name} ${message.event.revision}` : message.kind,
      );
  }
}

/** The longest time between `from` and `to` without any of `times`, all in milliseconds: how long a camera or a subscriber was silent. */
export function longestGap(times: readonly number[], from: number, to: number): number {
  const before = times.findLast((time) => time < from) ?? from;
  const within = times.filter((time) => time >= from && time <= to);
  return [...within, to].reduce(
    ({ last, worst }, time) => ({ last: time, worst: Math.max(worst, time - last) }),
    { last: before, worst: 0 },
  ).worst;
}
