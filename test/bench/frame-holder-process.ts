/** Holds cameras' frames as ingest does, and answers plain requests with the same bytes for comparison. */
import { connect } from "@nats-io/transport-node";
import { frameMessageBytes, type PixelFormatName, pixelFormatOf } from "@sightline/contracts";
import { DeadArenas, FrameArena } from "@sightline/frame-arena";
import { accessOptions, expectLargeBuffers } from "@sightline/service";
import { FrameHolder } from "../../services/inference/src/testing/frame-holder.ts";
import { TokenTiming } from "../../services/ingest/src/token-timing.ts";
import { answerCounts, benchSettings, type Usage } from "./bench-process.ts";
import { accessTo, type BenchNats } from "./bench-system.ts";

export interface HolderSettings {
  nats: BenchNats;
  model: string;
  width: number;
  height: number;
  /** Frames per second of each camera; 0: whenever one is taken the next is there. */
  cameras: { id: string; fps: number }[];
  /** How frames are laid out for workers that read it; default gbrp. */
  pixelFormat?: PixelFormatName;
  /** Share frames in memory with workers that can read it. */
  shares: boolean;
}

export interface HolderCounts extends Usage {
  cameras: { id: string; captured: number; inferred: number; dropped: number; imbalance: number }[];
}

/** Subject that answers each request with the bytes of a frame, without tokens. */
export const plainSubject = "bench.frame";

if (import.meta.main) {
  expectLargeBuffers();
  const { nats, cameras, shares, ...size } = benchSettings<HolderSettings>();
  const holder = await FrameHolder.start(nats.url, accessOptions(accessTo(nats, "ingest"), "ingest"));
  if (shares) {
    const dead = new DeadArenas("/dev/shm");
    await dead.stop();
    holder.arena = new FrameArena("/dev/shm");
  }
  holder.onRequest = (camera) => {
    if (cameras.find(({ id }) => id === camera.options.id)?.fps === 0)
      queueMicrotask(() => holder.capture(camera));
    return true;
  };
  const connection = await connect(accessOptions(accessTo(nats, "operator"), "operator"));
  // One frame for all: what a plain request costs is to be what NATS costs.
  const bytes = new Uint8Array(frameMessageBytes(size.width, size.height, pixelFormatOf(size.pixelFormat)));
  connection.subscribe(plainSubject, { callback: (_error, message) => void message.respond(bytes) });
  for (const { id, fps } of cameras) {
    const camera = holder.add({ ...size, id }, fps);
    if (fps > 0) camera.timing = new TokenTiming();
    if (fps === 0) holder.capture(camera);
  }
  answerCounts(() => ({
    cameras: holder.cameras.map((camera) => ({
      id: camera.options.id,
      captured: camera.captured,
      inferred: camera.inferred.size,
      dropped: camera.dropped.size,
      imbalance: camera.imbalance,
    })),
  }));
}
