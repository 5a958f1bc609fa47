import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { ResultsParts } from "../../results-parts.ts";
import type { CameraView } from "../camera-view.ts";
import type { LiveHub } from "../live/live-hub.ts";
import type { VideoSockets } from "../live/video-route.ts";
import type { ProbeClient } from "../probe-client.ts";
import type { SeriesStore } from "../series/series-store.ts";
import type { SystemView } from "../system-view.ts";

/** What the HTTP API needs to answer. */
export interface HttpParts extends ResultsParts {
  view: CameraView;
  system: SystemView;
  series: SeriesStore;
  probe: ProbeClient;
  live: LiveHub;
  videos: VideoSockets;
}

/** The parts; throws ApiError `starting` until they are available. */
export type Parts = () => HttpParts;

/** An app whose routes are described with zod. */
export type ApiApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;
