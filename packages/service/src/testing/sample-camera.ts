import type { CameraRecord } from "@sightline/contracts";

/** A camera's registration as stored, created just now. */
export function sampleCamera(): CameraRecord {
  const time = new Date().toISOString();
  return {
    uri: "rtsp://cam/x",
    transport: "tcp",
    targetFps: 0,
    model: "yolo-nas-pedestrians",
    minScore: 0,
    classes: [],
    hasCredentials: false,
    createTime: time,
    updateTime: time,
  };
}
