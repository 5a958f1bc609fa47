import { streams, subjects } from "@sightline/contracts";
import { findLoss, type Nats, type StreamPlace, streamMaking } from "@sightline/service";
import { TimelineError } from "./errors.ts";
import type { OrderedFrame, RawOrder } from "./raw-order.ts";
import type { TimelineState } from "./timeline-state.ts";

/**
 * How many frames, at most, were removed from the stream of detections before the analysis read them, in front of a frame
 * whose turn has come. 0 when some of an earlier epoch may be missing but no number shows it; undefined when none are.
 *
 * Two conditions must be met. First, each frame names the one that was handed to a worker before it, so missing frames are
 * noticed; but those that a worker lost, or dropped without anybody receiving the notice, are missing too. Second, the
 * stream must begin later than the place up to which the camera was last known to be complete: otherwise everything
 * published since can still be read. In a new epoch nothing is known about the end of the previous one, so the second
 * condition alone counts, unless the camera was down.
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

/**
 * Notes the place up to which no message of the camera was missed. While the camera sends no frames, messages removed from
 * the stream are not its own.
 * @throws when NATS does not answer
 */
export async function noteComplete({ manager }: Nats, camera: string, order: RawOrder): Promise<void> {
  const { state } = await manager.streams.info(streams.detections);
  if (state.first_seq > order.complete + 1) return;
  const filter = { last_by_subj: subjects.detections(camera) };
  const last = await manager.streams.getMessage(streams.detections, filter);
  if ((last?.seq ?? 0) <= order.read) order.noteComplete(state.last_seq);
}

/**
 * Checks that the stream of detections is the one that has been read: `making` up to `read`, with its reader at `place`.
 * @throws TimelineError timeline_conflict
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
    throw new TimelineError(
      "timeline_conflict",
      "the stream of detections was created again or has lost its newest messages",
    );
}

/** Sequences of a camera's last messages in the streams, 0 when there is none. */
export interface Written {
  timeline: number;
  events: number;
}

/** @throws TimelineError timeline_conflict when something that had been written is missing */
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
    throw new TimelineError("timeline_conflict", `the stream ${stream} has lost its newest messages`);
}
