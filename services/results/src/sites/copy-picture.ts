import type { JsMsg } from "@nats-io/jetstream";
import { decodeJson, snapshotStore } from "@sightline/contracts";
import { type SnapshotStore, snapshotDetailsSchema } from "@sightline/service";
import { z } from "zod";
import { cameraOfSite, type SiteJetStream } from "./camera-names.ts";
import { atCentre, UncopiableError } from "./copy-event.ts";

/** Where the object store of a site keeps its pictures, and what tells of each. */
export const pictureStream = { stream: `OBJ_${snapshotStore}`, filter: `$O.${snapshotStore}.M.>` };

const objectSchema = z.looseObject({
  name: z.string(),
  nuid: z.string(),
  deleted: z.boolean().optional(),
  metadata: z.record(z.string(), z.string()).optional(),
});

/** Brings the picture that a message of a site's object store tells of to the centre; one that was deleted at the site is deleted here too. @throws UncopiableError, CameraClashError, CentreError; and when the site does not answer */
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
  // Replaced or gone meanwhile: a later message tells of it.
  if (!content) return;
  const details = readable(() => decodeJson(snapshotDetailsSchema, Buffer.from(metadata?.snapshot ?? "")));
  await atCentre(store.put(here, content.data, details));
}

function readable<R>(read: () => R): R {
  try {
    return read();
  } catch (cause) {
    throw new UncopiableError("what a site says about a picture cannot be read", { cause });
  }
}
