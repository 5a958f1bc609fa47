import { cameraIdOf, FrameDetections, formatFrameId, streams } from "@sightline/contracts";
import { connectNats, createLogger } from "@sightline/service";
import type { System } from "./system.ts";

/** The messages of a stream as they lie in NATS, in order, with what `read` makes of each; undefined is left out. */
async function readStream<R>(
  system: System,
  name: string,
  read: (data: Uint8Array) => R | undefined,
): Promise<R[]> {
  const log = createLogger("test", "fatal");
  const { connection, manager } = await connectNats(system.natsAccess, "operator", log);
  try {
    const stream = await manager.streams.get(name);
    const { state } = await stream.info();
    const found: R[] = [];
    for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
      const message = await stream.getMessage({ seq });
      const value = message ? read(message.data) : undefined;
      if (value !== undefined) found.push(value);
    }
    return found;
  } finally {
    await connection.close();
  }
}

/** All frames in the stream of detections, and the version of the model that each was inferred by. */
export function storedResults(system: System): Promise<{ id: string; version: string }[]> {
  return readStream(system, streams.detections, (data) => {
    const { frame, inference } = FrameDetections.decode(data);
    if (!frame) return undefined;
    const { camera, epoch, number } = frame;
    const id = formatFrameId({ camera: cameraIdOf(camera)!, epoch, number });
    return { id, version: inference!.modelVersion };
  });
}
