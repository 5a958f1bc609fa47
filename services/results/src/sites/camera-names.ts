import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import { CameraClashError } from "../errors.ts";

/** JetStream of a site, which the centre reaches over the site's leaf node: by the domain, which is the site's name. */
export interface SiteJetStream {
  site: string;
  jetstream: JetStreamClient;
  manager: JetStreamManager;
  /** Whether the centre itself has a camera with this name. */
  isRegistered: (camera: string) => boolean;
}

/**
 * The name of a site's camera at the centre. Site names contain no '-', so cameras of two sites never have the same name.
 * @throws CameraClashError when the centre has a camera with this name
 */
export function cameraOfSite({ site, isRegistered }: SiteJetStream, camera: string): string {
  const name = `${site}-${camera}`;
  if (isRegistered(name)) throw new CameraClashError(site, name);
  return name;
}

/** The site that may own a camera with this name at the centre. */
export function siteOfCamera(sites: readonly string[], camera: string): string | undefined {
  return sites.find((site) => camera.startsWith(`${site}-`));
}
