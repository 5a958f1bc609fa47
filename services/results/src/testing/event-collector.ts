import type { FeedMessage } from "./feed-client.ts";

/** Reads a subscription in the background and keeps everything received. */
export class Collector {
  readonly got: FeedMessage[] = [];
  /** Rejects when the subscription ended with an error. */
  readonly ended: Promise<void>;

  /** `each` may make the reader wait. */
  constructor(
    events: AsyncGenerator<FeedMessage, void>,
    each: (event: FeedMessage) => Promise<void> | void = () => undefined,
  ) {
    this.ended = (async () => {
      for await (const event of events) {
        this.got.push(event);
        await each(event);
      }
    })();
    this.ended.catch(() => undefined);
  }

  /** Numbers of the frames, or revisions of the events, in the order of arrival. */
  get numbers(): number[] {
    return this.got.flatMap((event) => {
      if (event.kind === "frame") return event.frame.frame!.number;
      return event.kind === "event" ? event.event.revision : [];
    });
  }

  get gaps() {
    return this.got.flatMap((event) => (event.kind === "gap" ? event.gap : []));
  }

  /** Cursor of the last message. */
  get cursor(): string {
    return this.got.at(-1)?.cursor ?? "";
  }
}

/** Whole numbers from `first` to `last`. */
export function span(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
