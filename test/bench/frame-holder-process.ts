/** Holds cameras' frames as ingest does, and answers plain requests with the same bytes for comparison. */
import { connect } from "@nats-io/transport-node";
import { frameMessageBytes } from "@sightline/contracts";
import { expectLargeBuffers } from "@sightline/service";
import { FrameHolder } from "../../services/inference/src/testing/frame-holder.ts";
import { answerCounts, benchSettings, type Usage } from "./bench-process.ts";

export interface HolderSettings {
  url: string;
  model: string;
  width: number;
  height: number;
  /** Frames per second of each camera; 0: whenever one is taken the next is there. */
  cameras: { id: string; fps: number }[];
}

export interface HolderCounts extends Usage {
  cameras: { id: string; captured: number; inferred: number; dropped: number; imbalance: number }[];
}

/** Subject that answers each request with the bytes of a frame, without tokens. */
export const plainSubject = "bench.frame";

if (import.meta.main) {
  expectLargeBuffers();
  const { url, cameras, ...size } = benchSettings<HolderSettings>();
  const holder = await FrameHolder.start(url);
  holder.onRequest = (camera) => {
    if (cameras.find(({ id }) => id === camera.options.id)?.fps === 0)
      queueMicrotask(() => holder.capture(camera));
    return true;
  };
  const connection = await connect({ servers: url });
  connection.subscribe(plainSubject, {
    callback: (_error, message) =>
      void message.respond(Buffer.allocUnsafe(frameMessageBytes(size.width, size.height)).fill(0)),
  });
  for (const { id, fps } of cameras) {
    const camera = holder.add({ ...size, id }, fps);
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
