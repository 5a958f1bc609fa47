import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import { isSiteName, siteReader, streams } from "@sightline/contracts";
import {
  connectNats,
  type Logger,
  type Nats,
  type NatsAccess,
  SettingError,
  type SnapshotStore,
} from "@sightline/service";
import { Gauge, type Registry } from "prom-client";
import { type SiteJetStream, siteOfCamera } from "./camera-names.ts";
import { copyEvent } from "./copy-event.ts";
import { copyPicture, pictureStream } from "./copy-picture.ts";
import { SiteReader } from "./site-reader.ts";

/** A site with a slow connection may need this long to answer. */
const answerMs = 5_000;

/** What the copies need of the centre. */
export interface CentreParts {
  nats: Nats;
  places: KV;
  pictures: SnapshotStore;
  /** Whether the centre itself has a camera with this name. */
  isRegistered: (camera: string) => boolean;
}

/** The state of a site, as the centre sees it. */
export interface SiteState {
  site: string;
  /** Whether its events and pictures are being read and stored here now. */
  up: boolean;
  /** Seconds since the site was last heard, or since results was started if it was not. */
  silentSeconds: number;
  /** Messages about events and pictures that still have to be copied; undefined while the site is not read. */
  pending: number | undefined;
  /** A camera of the centre with the same name as one of the site, for which copying waits. */
  clash: string | undefined;
  /** Why the site's data cannot be stored here; undefined when it can. */
  failure: string | undefined;
}

/** Copies the events and pictures of all sites to the centre. */
export class Sites {
  readonly #links: { site: string; nats: Nats; readers: SiteReader[] }[] = [];

  /**
   * Starts for each site that has a key, `{site}.nk`, in the directory.
   * @throws SettingError the directory does not exist, or the NATS server does not know a key
   */
  static async start(
    access: NatsAccess,
    directory: string,
    { nats, places, pictures, isRegistered }: CentreParts,
    log: Logger,
    signal?: AbortSignal,
  ): Promise<Sites> {
    const sites = new Sites();
    for (const site of sitesIn(directory)) {
      const own = { ...access, natsCredsFile: undefined, natsNkeyFile: join(directory, `${site}.nk`) };
      const link = await connectNats(own, siteReader(site), log, signal && { signal });
      const options = { domain: site, timeout: answerMs };
      const remote: SiteJetStream = {
        site,
        jetstream: jetstream(link.connection, options),
        manager: await jetstreamManager(link.connection, { ...options, checkAPI: false }),
        isRegistered,
      };
      const events = new SiteReader(
        remote,
        { stream: streams.events },
        async ({ data }) => void (await copyEvent(nats, remote, data)),
        places,
        log,
      );
      const shown = new SiteReader(
        remote,
        pictureStream,
        (each) => copyPicture(pictures, remote, each),
        places,
        log,
      );
      const readers = [events, shown];
      for (const reader of readers) reader.start();
      sites.#links.push({ site, nats: link, readers });
      log.info({ site }, "the events of a site are copied from here on");
    }
    return sites;
  }

  /** The site that may own a camera with this name here; undefined when the centre may use the name. */
  siteOf(camera: string): string | undefined {
    return siteOfCamera(
      this.#links.map(({ site }) => site),
      camera,
    );
  }

  states(): SiteState[] {
    return this.#links.map(({ site, readers }) => {
      const states = readers.map(({ state }) => state);
      const failure = states.find((state) => state.failure !== undefined)?.failure;
      const up = failure === undefined && states.every(({ reading }) => reading);
      const heardAt = Math.max(...states.map((state) => state.heardAt));
      return {
        ...{ site, up, silentSeconds: (performance.now() - heardAt) / 1_000 },
        pending: up ? states.reduce((sum, { pending = 0 }) => sum + pending, 0) : undefined,
        clash: states.find(({ clash }) => clash !== undefined)?.clash,
        failure,
      };
    });
  }

  async stop(): Promise<void> {
    for (const { nats, readers } of this.#links.splice(0)) {
      await Promise.all(readers.map((reader) => reader.stop()));
      await nats.connection.close();
    }
  }
}

function sitesIn(directory: string): string[] {
  if (!existsSync(directory))
    throw new SettingError(`SIGHTLINE_SITES_DIRECTORY = ${directory}: there is no such directory`);
  const names = readdirSync(directory).flatMap((file) => (file.endsWith(".nk") ? [file.slice(0, -3)] : []));
  const wrong = names.find((name) => !isSiteName(name));
  if (wrong !== undefined)
    throw new SettingError(
      `${join(directory, wrong)}.nk: '${wrong}' is not a site's name; expected 1 to 24 of a–z and 0–9`,
    );
  return names.sort();
}

/** Adds metrics about the state of each site. */
export function observeSites(registry: Registry, states: () => readonly SiteState[]): void {
  const gauge = (name: string, help: string, value: (state: SiteState) => number | undefined) =>
    new Gauge({
      name: `sightline_site_${name}`,
      help,
      labelNames: ["site"],
      registers: [registry],
      collect() {
        this.reset();
        for (const state of states()) {
          const figure = value(state);
          if (figure !== undefined) this.set({ site: state.site }, figure);
        }
      },
    });
  gauge("up", "1 while the events and pictures of a site are read, otherwise 0.", ({ up }) => Number(up));
  gauge(
    "silent_seconds",
    "Seconds since a site was last heard, or since results started.",
    ({ silentSeconds }) => silentSeconds,
  );
  gauge(
    "pending_messages",
    "Messages about events and pictures of a site that have not come yet; no value while the site is not read.",
    ({ pending }) => pending,
  );
}
