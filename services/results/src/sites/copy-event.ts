import { Event, parseEventName, streams, subjects } from "@sightline/contracts";
import { isJetStreamFailure, type Nats } from "@sightline/service";
import { ResultsError } from "../errors.ts";
import { cameraOfSite, type SiteJetStream } from "./camera-names.ts";

/** Runs an operation at the centre for a site. @throws ResultsError centre_unavailable, when it fails */
export async function atCentre<R>(doing: Promise<R>): Promise<R> {
  return doing.catch((cause: Error) => {
    throw new ResultsError("centre_unavailable", cause.message, { cause });
  });
}

/**
 * Copies a message about a site's event into EVENTS of the centre, once: an event's messages are numbered by its revision, and the expected
 * sequence prevents a second process that copies at the same time from storing the same message.
 * @returns whether it is new
 * @throws ResultsError site_data_unusable: it is not an event, or its camera's name is too long; site_camera_exists; centre_unavailable
 */
export async function copyEvent(nats: Nats, remote: SiteJetStream, data: Uint8Array): Promise<boolean> {
  const { site } = remote;
  const event = decoded(site, data);
  const name = parseEventName(event.name);
  if (!name)
    throw new ResultsError("site_data_unusable", `site '${site}' has something that is not an event`);
  const camera = cameraOfSite(remote, name.camera);
  event.name = `cameras/${camera}/events/${name.id}`;
  // Video stays at the site.
  event.hasClip = false;
  if (!parseEventName(event.name))
    throw new ResultsError("site_data_unusable", `the name '${camera}' is too long for a camera`);
  const subject = subjects.event(camera, name.id);
  return atCentre(store(nats, subject, event));
}

/** @returns whether it is new */
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
    // Another process of the centre may have stored it first. Only the stream's leader knows for certain.
    const newest = await nats.manager.streams.getMessage(streams.events, { last_by_subj: subject });
    if (isHere(newest)) return false;
    throw error;
  }
}

function decoded(site: string, data: Uint8Array): Event {
  try {
    return Event.decode(data);
  } catch (cause) {
    throw new ResultsError("site_data_unusable", `site '${site}' has something that is not an event`, {
      cause,
    });
  }
}
