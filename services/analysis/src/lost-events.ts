import type { JsMsg } from "@nats-io/jetstream";
import {
  EndReason,
  Event,
  EventPhase,
  fromTimestamp,
  streams,
  subjects,
  toTimestamp,
} from "@sightline/contracts";
import { asideMaking, asideSubject, lastAside, type Nats, readUntil, setAside } from "@sightline/service";

const open = new Set<EventPhase>([EventPhase.START, EventPhase.UPDATE]);

/**
 * A camera's open events (begun and not ended) in the stream of events, in order. `last`: sequence of the camera's last
 * message there. `former`: identifies the previous stream if the stream was created again since; messages that were put
 * aside from it count too.
 * @throws when NATS does not answer
 */
export async function findOpenEvents(
  nats: Nats,
  camera: string,
  last: number,
  former: string | undefined,
): Promise<Event[]> {
  const subject = subjects.event(camera, "*");
  const aside = former && (await lastAside(nats, streams.events, subject, former));
  const messages = [
    ...(aside
      ? await newestOfEach(nats, setAside.name, asideSubject(streams.events, subject), aside.seq)
      : []),
    ...(await newestOfEach(nats, streams.events, subject, last)),
  ];
  const newest = new Map<string, Event>();
  for (const message of messages) {
    const event = decoded(message.data);
    const making = asideMaking(message.headers);
    if (event && (making === undefined || making === former)) newest.set(event.name, event);
  }
  return [...newest.values()].filter(({ phase }) => open.has(phase));
}

/** The last message of each matching subject; the message with the sequence `last` is the last of all. */
function newestOfEach(nats: Nats, stream: string, subject: string, last: number): Promise<JsMsg[]> {
  return Array.fromAsync(readUntil(nats, stream, { from: "newest of each subject", until: last, subject }));
}

/** The end of an event about which nothing more is known. */
export function endOfLost(event: Event, nowMs: number): Event {
  const startMs = event.startTime ? fromTimestamp(event.startTime) : nowMs;
  return {
    ...event,
    phase: EventPhase.END,
    revision: event.revision + 1,
    updateTime: toTimestamp(nowMs),
    endTime: toTimestamp(Math.max(startMs, nowMs)),
    endReason: EndReason.ANALYSIS_LOST,
    frame: undefined,
    message: `the analysis began again; before: ${event.message}`,
  };
}

function decoded(data: Uint8Array): Event | undefined {
  try {
    return Event.decode(data);
  } catch {
    return undefined;
  }
}
