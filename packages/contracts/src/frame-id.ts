/** Names one frame in the whole system. */
export interface FrameId {
  /** Camera id. */
  camera: string;
  epoch: string;
  number: number;
}

/** Text form `camera:epoch:number`, used as the Nats-Msg-Id of the frame's detections. */
export function formatFrameId(id: FrameId): string {
  return `${id.camera}:${id.epoch}:${id.number}`;
}

/** Reads the text form; undefined when it is not one. */
export function parseFrameId(text: string): FrameId | undefined {
  const [camera, epoch, number, ...rest] = text.split(":");
  const n = Number(number);
  if (!camera || !epoch || rest.length > 0 || !Number.isSafeInteger(n) || n < 1) return undefined;
  return { camera, epoch, number: n };
}
