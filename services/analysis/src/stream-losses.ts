import { streams, subjects } from "@sightline/contracts";
import { findLoss, type Nats, type StreamPlace, streamMaking } from "@sightline/service";
import type { OrderedFrame, RawOrder } from "./raw-order.ts";
import type { TimelineState } from "./timeline-state.ts";
import { TimelineConflictError } from "./timeline-writer.ts";

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

/** Notes up to where nothing of the camera was missed. While it gives no frames, what is removed from the stream is not its. @throws when NATS does not answer */
export async function noteComplete({ manager }: Nats, camera: string, order: RawOrder): Promise<void> {
  const { state } = await manager.streams.info(streams.detections);
  if (state.first_seq > order.complete + 1) return;
  const filter = { last_by_subj: subjects.detections(camera) };
  const last = await manager.streams.getMessage(streams.detections, filter);
  if ((last?.seq ?? 0) <= order.read) order.noteComplete(state.last_seq);
}

/**
 * Checks that the stream of detections is the one that has been read: `making` up to `read`, and `place` where its reader is.
 * @throws TimelineConflictError
 */
export async function requireSameDetections(
  { manager, setBacks }: Nats,
  making: string,
  read: number,
  place: StreamPlace | undefined,
): Promise<void> {
  const info = await manager.streams.info(streams.detections);
  const same = streamMaking(info) === making;
  const lost = place && (await findLoss(manager, streams.detections, info.state, place));
  if (lost) setBacks.note(streams.detections);
  if (!same || lost || info.state.last_seq < read)
    throw new TimelineConflictError(
      "the stream of detections was created again or has lost its newest messages",
    );
}

/** Sequences of a camera's last messages in the streams, 0 when there is none. */
export interface Written {
  timeline: number;
  events: number;
}

/** @throws TimelineConflictError when something of what had been written is not there any more */
export async function requireKept(nats: Nats, camera: string, { timeline, events }: Written): Promise<void> {
  await requireOwn(nats, streams.timeline, timeline, subjects.timeline(camera));
  await requireOwn(nats, streams.events, events, subjects.event(camera, ""));
}

async function requireOwn(
  { manager }: Nats,
  stream: string,
  sequence: number,
  subject: string,
): Promise<void> {
  const { state } = await manager.streams.info(stream);
  const within = sequence <= state.last_seq;
  const message = within && sequence > 0 ? await manager.streams.getMessage(stream, { seq: sequence }) : null;
  if (!within || (message && !message.subject.startsWith(subject)))
    throw new TimelineConflictError(`the stream ${stream} has lost its newest messages`);
}
