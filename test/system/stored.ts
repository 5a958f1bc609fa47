import { cameraIdOf, FrameDetections, formatFrameId, streams } from "@sightline/contracts";
import { connectNats, createLogger } from "@sightline/service";
import type { System } from "./system.ts";

/** All frames in the stream of detections, in the order stored, and the version of the model that each was inferred by. */
export async function storedResults(system: System): Promise<{ id: string; version: string }[]> {
  const log = createLogger("test", "fatal");
  const { connection, manager } = await connectNats(system.natsAccess, "operator", log);
  try {
    const stream = await manager.streams.get(streams.detections);
    const { state } = await stream.info();
    const results: { id: string; version: string }[] = [];
    for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
      const message = await stream.getMessage({ seq });
      const { frame, inference } = message ? FrameDetections.decode(message.data) : {};
      if (!frame) continue;
      const { camera, epoch, number } = frame;
      const id = formatFrameId({ camera: cameraIdOf(camera)!, epoch, number });
      results.push({ id, version: inference!.modelVersion });
    }
    return results;
  } finally {
    await connection.close();
  }
}
