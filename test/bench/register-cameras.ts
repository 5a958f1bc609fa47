import { type CameraRecord, encodeJson } from "@sightline/contracts";
import type { Buckets } from "@sightline/service";

/** Registers cameras, as results does; a worker infers no others. */
export async function registerCameras(
  buckets: Pick<Buckets, "cameras">,
  model: string,
  cameras: readonly { id: string }[],
): Promise<void> {
  const time = new Date().toISOString();
  for (const { id } of cameras) {
    const record: CameraRecord = {
      ...{ uri: "rtsp://bench/x", transport: "tcp", targetFps: 0, model, minScore: 0, classes: [] },
      ...{ hasCredentials: false, createTime: time, updateTime: time },
    };
    await buckets.cameras.put(id, encodeJson(record));
  }
}
