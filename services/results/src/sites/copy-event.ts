import { Event, parseEventName, streams, subjects } from "@sightline/contracts";
import { isJetStreamFailure, type Nats } from "@sightline/service";
import { cameraOfSite, type SiteJetStream } from "./camera-names.ts";

/** What a site has cannot be had at the centre, now or later; it is passed over. */
export class UncopiableError extends Error {
  override readonly name = "UncopiableError";
}

/** The centre itself cannot store what a site has: neither the site nor its line is at fault. */
export class CentreError extends Error {
  override readonly name = "CentreError";
}

/** What is done at the centre for a site. @throws CentreError when it fails */
export async function atCentre<R>(doing: Promise<R>): Promise<R> {
  return doing.catch((cause: Error) => {
    throw new CentreError(cause.message, { cause });
  });
}

/**
 * Brings a message about an event of a site into EVENTS of the centre, once: the messages of one event are counted by its revision, and
 * the fence keeps a second process that copies at the same time from storing the same.
 * @returns whether it is new
 * @throws UncopiableError for what is no event or of a camera with too long a name; CameraClashError; CentreError
 */
export async function copyEvent(nats: Nats, remote: SiteJetStream, data: Uint8Array): Promise<boolean> {
  const { site } = remote;
  const event = decoded(site, data);
  const name = parseEventName(event.name);
  if (!name) throw new UncopiableError(`site '${site}' has something that is not an event`);
  const camera = cameraOfSite(remote, name.camera);
  event.name = `cameras/${camera}/events/${name.id}`;
  // Video stays at the site.
  event.hasClip = false;
  if (!parseEventName(event.name)) throw new UncopiableError(`the name '${camera}' is too long for a camera`);
  const subject = subjects.event(camera, name.id);
  return atCentre(store(nats, subject, event));
}

/** @returns whether it was not there yet */
async function store(nats: Nats, subject: string, event: Event): Promise<boolean> {
  const isHere = (found: { data: Uint8Array } | null) =>
    found !== null && Event.decode(found.data).revision >= event.revision;
  const last = await nats.manager.direct.getMessage(streams.events, { last_by_subj: subject });
  if (isHere(last)) return false;
  try {
    await nats.jetstream.publish(subject, Event.encode(event).finish(), {
      expect: { lastSubjectSequence: last?.seq ?? 0 },
    });
    return true;
  } catch (error) {
    if (!isJetStreamFailure(error, "wrongLastSequence")) throw error;
    // Another process of the centre may have stored it first. Only the server that leads the stream knows for sure.
    const newest = await nats.manager.streams.getMessage(streams.events, { last_by_subj: subject });
    if (isHere(newest)) return false;
    throw error;
  }
}

function decoded(site: string, data: Uint8Array): Event {
  try {
    return Event.decode(data);
  } catch (cause) {
    throw new UncopiableError(`site '${site}' has something that is not an event`, { cause });
  }
}
