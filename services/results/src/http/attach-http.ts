import type { ServedModel } from "@sightline/contracts";
import type { Lifecycle } from "@sightline/service";
import type { Registry } from "prom-client";
import { toCameraMessage } from "../cameras/camera-message.ts";
import { framesOnly } from "../feeds/timeline-message.ts";
import type { ResultsParts } from "../results-parts.ts";
import { CameraView } from "./camera-view.ts";
import type { HttpApi } from "./http-api.ts";
import { LiveHub, LiveMetrics } from "./live/live-hub.ts";
import { VideoSockets } from "./live/video-route.ts";
import { ProbeClient } from "./probe-client.ts";
import { SeriesStore } from "./series/series-store.ts";
import { SystemView } from "./system-view.ts";

/** What the HTTP API shows of the process itself. */
export interface ProcessParts {
  version: string;
  natsStore: string | undefined;
  prometheus: Registry;
}

/** Creates what the HTTP API needs besides the parts, and lets it answer. */
export function attachHttp(
  api: HttpApi,
  parts: ResultsParts,
  { version, natsStore, prometheus }: ProcessParts,
  life: Lifecycle,
): void {
  const { nats, analyses, cameraStatus, models, sites } = parts;
  const { registry, watchers: cameraWatchers, catalog } = parts.cameras;
  const { records, statuses } = parts.mirrors;
  const { timeline, events } = parts.feeds;
  const { reviews } = parts.history;
  const workers = () => models.versionRecords.workers();
  const served = () => catalog.names().flatMap((name) => catalog.find(name) ?? ([] as ServedModel[]));
  const cameras = () =>
    registry
      .ids()
      .flatMap((id) => registry.find(id) ?? [])
      .map((stored) => toCameraMessage(stored, cameraStatus.find(stored.id)));

  const series = new SeriesStore((camera) => records.get(camera) !== undefined, parts.latencies);
  const view = new CameraView(series, workers, parts.losses, analyses, (name) => catalog.find(name));
  const live: LiveHub = new LiveHub({
    cameraWatchers,
    rules: parts.rules.registry,
    series,
    view,
    pictures: parts.snapshots.pictures,
    metrics: new LiveMetrics(prometheus, () => live.size),
  });
  life.add(live);
  const videos = new VideoSockets(parts.liveVideo);
  const ends = [
    statuses.onChange(({ key, value }) => {
      if (value) series.status(key, value);
    }),
    records.onChange(({ key, value }) => {
      if (!value) series.forget(key);
    }),
    timeline.feed.listen(
      framesOnly((frame, { timestampNanos }) => {
        series.frame(frame, Number(timestampNanos) / 1e6);
        live.frame(frame);
        videos.frame(frame);
      }),
    ),
    events.feed.listen((event) => live.event({ ...event, review: reviews.find(event.name) })),
    reviews.onChange((event, review) => live.review(event, review)),
  ];
  life.add({ stop: async () => ends.forEach((end) => void end()) });
  // Last, so that it ends first: no request is served while the rest stops.
  life.add(api);
  const system = new SystemView({
    ...{ version, nats, natsStore, sites, workers, cameras, series },
    analysed: () => analyses.any,
    models: served,
    defaultModel: catalog.defaultModel,
  });
  api.attach({ ...parts, view, system, series, probe: new ProbeClient(nats), live, videos });
}
