import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";

/** JetStream of a site, as the centre reaches it over the site's leaf node: by the domain, which is the site's name. */
export interface SiteJetStream {
  site: string;
  jetstream: JetStreamClient;
  manager: JetStreamManager;
  /** Whether the centre has a camera of its own of this name. */
  isRegistered: (camera: string) => boolean;
}

/** A camera of a site would be called as one that is registered at the centre: their events would be mixed. */
export class CameraClashError extends Error {
  override readonly name = "CameraClashError";
  /** The centre's own camera. */
  readonly camera: string;

  constructor(site: string, camera: string) {
    super(`a camera of the site '${site}' would be called '${camera}', as a camera of this centre is`);
    this.camera = camera;
  }
}

/**
 * What a camera of a site is called at the centre; no site's name has a '-' in it, so no two sites' cameras are called the same.
 * @throws CameraClashError when the centre has a camera of this name
 */
export function cameraOfSite({ site, isRegistered }: SiteJetStream, camera: string): string {
  const name = `${site}-${camera}`;
  if (isRegistered(name)) throw new CameraClashError(site, name);
  return name;
}

/** Which of the sites may have a camera that is called so at the centre. */
export function siteOfCamera(sites: readonly string[], camera: string): string | undefined {
  return sites.find((site) => camera.startsWith(`${site}-`));
}
