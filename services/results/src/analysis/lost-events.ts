import { DeliverPolicy } from "@nats-io/jetstream";
import {
  EndReason,
  Event,
  EventPhase,
  EventType,
  fromTimestamp,
  streams,
  subjects,
  toTimestamp,
} from "@sightline/contracts";
import type { Nats } from "@sightline/service";

const open = new Set<EventPhase>([EventPhase.START, EventPhase.UPDATE]);

/**
 * A camera's events that have begun in the stream of events and not ended, in order. `last`: sequence of the camera's last
 * message there. @throws when NATS does not answer
 */
export async function findOpenEvents(nats: Nats, camera: string, last: number): Promise<Event[]> {
  if (last === 0) return [];
  const consumer = await nats.jetstream.consumers.get(streams.events, {
    filter_subjects: subjects.event(camera, "*"),
    deliver_policy: DeliverPolicy.LastPerSubject,
    inactive_threshold: 60_000,
  });
  const found: Event[] = [];
  const messages = await consumer.consume({ max_messages: 256, expires: 30_000, idle_heartbeat: 1_000 });
  const lost = new Set(["consumer_deleted", "consumer_not_found", "stream_not_found", "heartbeats_missed"]);
  void (async () => {
    for await (const { type } of messages.status()) if (lost.has(type)) void messages.close();
  })();
  let read = 0;
  try {
    for await (const { seq, data } of messages) {
      read = seq;
      const event = decoded(data);
      if (event && open.has(event.phase)) found.push(event);
      if (seq >= last) break;
    }
  } finally {
    void messages.close();
    void consumer.delete().catch(() => false);
  }
  if (read < last) throw new Error("the camera's events could not be read to their end");
  return found;
}

/** The end of an event of which nothing more is known. */
export function endOfLost(event: Event, nowMs: number): Event {
  const startMs = event.startTime ? fromTimestamp(event.startTime) : nowMs;
  const before = event.type === EventType.CAMERA_DOWN ? "the camera was down" : event.message;
  return {
    ...event,
    phase: EventPhase.END,
    revision: event.revision + 1,
    updateTime: toTimestamp(nowMs),
    endTime: toTimestamp(Math.max(startMs, nowMs)),
    endReason: EndReason.ANALYSIS_LOST,
    frame: undefined,
    message: `the analysis began anew; before: ${before}`,
  };
}

function decoded(data: Uint8Array): Event | undefined {
  try {
    return Event.decode(data);
  } catch {
    return undefined;
  }
}
