import { streams } from "@sightline/contracts";
import type { Nats } from "@sightline/service";
import type { OrderedFrame, RawOrder } from "./raw-order.ts";
import type { TimelineState } from "./timeline-state.ts";

/**
 * How many frames, at most, were removed from the stream of detections before the analysis came to them, in front of a
 * frame whose turn has come; 0 when there may be some of an earlier epoch but no number tells; undefined when there are none.
 *
 * Two things must come together. The frame names the one that was handed to a worker before it, so it is known when
 * some are missing; but those a worker lost, or dropped while nobody heard of it, are missing too. And the stream must begin
 * later than the camera was last known to be complete: otherwise all that was published since is still there to be read.
 * With a new epoch nothing is known of the end of the one before, so unless the camera was down the second alone counts.
 * @throws when NATS does not answer
 */
export async function findFramesLost(
  nats: Nats,
  order: RawOrder,
  state: TimelineState,
  { missing, event }: OrderedFrame,
): Promise<number | undefined> {
  const epochEnded = state.frames.isNewEpoch(event.frame!.epoch) && !state.down;
  if (missing === 0 && !epochEnded) return undefined;
  const { first_seq: first } = (await nats.manager.streams.info(streams.detections)).state;
  const removed = order.removed(first);
  return removed === 0 ? undefined : Math.min(missing, removed);
}
