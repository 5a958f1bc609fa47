import { type Event, parseEventName } from "@sightline/contracts";
import { type Logger, referenceTo, type SnapshotStore } from "@sightline/service";
import { begins, type SnapshotTaker } from "./snapshot-taker.ts";

/**
 * Age of the frame behind a message about an event: just captured; so old that ingest may no longer have it; or so old that
 * ingest does not have it.
 */
export type FrameAge = "fresh" | "old" | "gone";

/** Makes sure that a message about an event names a picture only if the picture exists or is about to be taken. */
export class SnapshotClaims {
  readonly #taker: SnapshotTaker;
  readonly #store: SnapshotStore;
  readonly #log: Logger;

  constructor(taker: SnapshotTaker, store: SnapshotStore, log: Logger) {
    this.#taker = taker;
    this.#store = store;
    this.#log = log;
  }

  /**
   * Decides, before the event is published, which `snapshotFrame` it has. A picture of an old frame is taken first; if that
   * fails, the event names the picture that it already has, or none.
   */
  async settle(event: Event, age: FrameAge): Promise<void> {
    const parts = parseEventName(event.name);
    if (!parts || !event.snapshotFrame || this.#taker.hasTaken(event)) return;
    const isOfNow = begins(event) || isSameFrame(event.snapshotFrame, event.frame);
    if (isOfNow && age === "fresh") return;
    if (isOfNow && age === "old" && (await this.#taker.takeNow(event))) return;
    try {
      const stored = await this.#store.details(`${parts.camera}/${parts.id}`);
      if (!stored || !isSameFrame(stored, event.snapshotFrame)) {
        event.snapshotFrame = stored && referenceTo(stored);
        event.snapshotScore = stored?.score ?? 0;
      }
    } catch (error) {
      const details = { event: event.name, err: error };
      this.#log.debug(details, "cannot find out whether an event has a picture; trying again later");
    }
  }
}

interface FrameKey {
  epoch: string;
  number: number;
}

function isSameFrame(a: FrameKey, b: FrameKey | undefined): boolean {
  return a.epoch === b?.epoch && a.number === b.number;
}
