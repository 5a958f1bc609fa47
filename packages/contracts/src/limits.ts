/** Limits for everything that crosses a process boundary; senders and receivers both check them. */
export const limits = {
  /** Largest NATS message, in bytes; the server's `max_payload` must be at least this. */
  maxPayloadBytes: 8 * 1024 * 1024,
  /** Bytes reserved in front of a frame's pixels for its header block. */
  frameHeaderBytes: 512,
  /** Largest width or height of an analysis frame, in pixels. */
  maxFrameSide: 4096,
  /** Most detections in one frame. */
  maxDetectionsPerFrame: 1000,
  /** Longest camera URL, in characters. */
  maxUriLength: 2048,
  /** Highest frame rate that can be requested of a camera. */
  maxTargetFps: 240,
  /** Allowed weights of a camera. */
  minWeight: 0.1,
  maxWeight: 10,
  /** Priorities of a camera go from minus this value to this value. */
  maxPriority: 100,
  /** Highest number of a video track that can be chosen. */
  maxVideoTrack: 16,
  /** Longest time that recordings can be kept, in days. */
  maxRecordingDays: 3650,
  /** Most labels of a camera. */
  maxLabels: 16,
  /** Most second stages of a camera. */
  maxSecondStages: 4,
  /** Most privacy masks of a camera. */
  maxPrivacyMasks: 16,
  /** Most corners of a polygon. */
  maxPolygonPoints: 64,
  /** Longest range of a recording that is delivered as one MP4, in milliseconds. */
  maxVideoRangeMs: 60 * 60_000,
  /** Most class names in a filter. */
  maxClasses: 1000,
  /** Largest picture, in bytes: gRPC clients accept 4 MiB unless configured otherwise. */
  maxPictureBytes: 3.5 * 1024 * 1024,
  /** Largest gRPC message other than pictures, in bytes. */
  maxGrpcMessageBytes: 1024 * 1024,
} as const;
