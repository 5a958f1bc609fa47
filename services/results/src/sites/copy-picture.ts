import type { JsMsg } from "@nats-io/jetstream";
import { decodeJson, snapshotStore } from "@sightline/contracts";
import { type SnapshotStore, snapshotDetailsSchema } from "@sightline/service";
import { z } from "zod";
import { ResultsError } from "../errors.ts";
import { cameraOfSite, type SiteJetStream } from "./camera-names.ts";
import { atCentre } from "./copy-event.ts";

/** A site's object store of pictures, and the subject of the messages that describe them. */
export const pictureStream = { stream: `OBJ_${snapshotStore}`, filter: `$O.${snapshotStore}.M.>` };

const objectSchema = z.looseObject({
  name: z.string(),
  nuid: z.string(),
  deleted: z.boolean().optional(),
  metadata: z.record(z.string(), z.string()).optional(),
});

/**
 * Copies to the centre the picture that a message of a site's object store describes; if it was deleted at the site, it is deleted here
 * too. @throws ResultsError site_data_unusable, site_camera_exists, centre_unavailable; and when the site does not answer
 */
export async function copyPicture(
  store: SnapshotStore,
  remote: SiteJetStream,
  message: JsMsg,
): Promise<void> {
  const { name, nuid, deleted, metadata } = readable(() => decodeJson(objectSchema, message.data));
  const [camera = "", event = ""] = name.split("/");
  const here = `${cameraOfSite(remote, camera)}/${event}`;
  if (deleted) {
    if (await atCentre(store.details(here))) await atCentre(store.delete(here));
    return;
  }
  const content = await remote.manager.streams.getMessage(pictureStream.stream, {
    last_by_subj: `$O.${snapshotStore}.C.${nuid}`,
  });
  // It was replaced or deleted meanwhile: a later message describes that.
  if (!content) return;
  const details = readable(() => decodeJson(snapshotDetailsSchema, Buffer.from(metadata?.snapshot ?? "")));
  await atCentre(store.put(here, content.data, details));
}

function readable<R>(read: () => R): R {
  try {
    return read();
  } catch (cause) {
    throw new ResultsError("site_data_unusable", "what a site says about a picture cannot be read", {
      cause,
    });
  }
}
