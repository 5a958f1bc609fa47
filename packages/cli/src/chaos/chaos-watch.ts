import type { SightlineClient } from "@sightline/client";
import { cameraIdOf } from "@sightline/contracts";

/** Follows detections and events at one results process, as an application does, and remembers what came and when. */
export class ChaosWatch {
  /** When results of each camera came, in monotonic milliseconds. */
  readonly results = new Map<string, number[]>();
  /** What was told of events, in order: `{name} {revision}`, or what came instead. */
  readonly events: string[] = [];
  readonly #ending = new AbortController();
  readonly #following: Promise<unknown>;
  /** Why following ended by itself. */
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

/** The longest time without any of `times` from `from` to `to`, all in milliseconds; each camera or subscriber has been silent so long. */
export function longestGap(times: readonly number[], from: number, to: number): number {
  const before = times.findLast((time) => time < from) ?? from;
  const within = times.filter((time) => time >= from && time <= to);
  return [...within, to].reduce(
    ({ last, worst }, time) => ({ last: time, worst: Math.max(worst, time - last) }),
    { last: before, worst: 0 },
  ).worst;
}
