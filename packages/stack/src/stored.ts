import { cameraIdOf, Event, FrameDetections, formatFrameId, streams } from "@sightline/contracts";
import { connectNats, createLogger, type NatsAccess } from "@sightline/service";

/** The messages of a stream, in stored order. */
async function stored<T>(access: NatsAccess, name: string, read: (data: Uint8Array) => T): Promise<T[]> {
  const { connection, manager } = await connectNats(access, "operator", createLogger("test", "fatal"));
  try {
    const stream = await manager.streams.get(name);
    const { state } = await stream.info();
    const all: T[] = [];
    for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
      const message = await stream.getMessage({ seq });
      if (message) all.push(read(message.data));
    }
    return all;
  } finally {
    await connection.close();
  }
}

/** All frames in the stream of detections, in stored order, each with the model version that inferred it. */
export async function storedResults(access: NatsAccess): Promise<{ id: string; version: string }[]> {
  const messages = await stored(access, streams.detections, (data) => FrameDetections.decode(data));
  return messages.flatMap(({ frame, inference }) => {
    if (!frame) return [];
    const { camera, epoch, number } = frame;
    const id = formatFrameId({ camera: cameraIdOf(camera)!, epoch, number });
    return [{ id, version: inference!.modelVersion }];
  });
}

/** All stored messages of events, in stored order: `{name} {revision}`. */
export function storedEvents(access: NatsAccess): Promise<string[]> {
  return stored(access, streams.events, (data) => {
    const { name, revision } = Event.decode(data);
    return `${name} ${revision}`;
  });
}
