import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";

/** JetStream of a site, as the centre reaches it over the site's leaf node: by the domain, which is the site's name. */
export interface SiteJetStream {
  site: string;
  jetstream: JetStreamClient;
  manager: JetStreamManager;
  /** Whether the centre has a camera of its own of this name. */
  isRegistered: (camera: string) => boolean;
}
