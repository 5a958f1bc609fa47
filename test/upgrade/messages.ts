/**
 * A whole one of each JSON message between services, as it is sent or stored, by the name of its schema: every field that the last version
 * knows. `record.ts` has the last version read and write them.
 */
const time = "2026-03-01T10:00:00.000Z";
const version = "0123456789ab";
const side = { model: "street", version, precision: "int8" };
const agreement = { both: 3, gained: 1, lost: 2, scoreChange: 0.5, scoreDistance: 0.75 };
const shadow = {
  ...{ camera: "front", model: "street", version, precision: "int8", share: 0.5 },
  ...{ startTime: time, endTime: time },
};
const shadowFrame = {
  ...{ epoch: "0a", number: 7, captureTimeMs: 1_772_359_200_000.5, difference: 0.5 },
  boxes: [{ kind: "both", class: "person", box: [0.1, 0.2, 0.3, 0.4], score: 0.9, shadowScore: 0.8 }],
};
const span = {
  ...{ fromMs: 1, toMs: 2, codec: "h264", width: 64, height: 48, audio: false, eventsOnly: true },
};

export const messages: Readonly<Record<string, readonly object[]>> = {
  tokenSchema: [{ camera: "front", epoch: "0a", id: 4 }],
  frameRequestSchema: [{ epoch: "0a", token: 4, worker: "w-1" }],
  frameDroppedSchema: [{ epoch: "0a", number: 4, previousNumber: 3, reason: 4 }],
  pictureRequestSchema: [{ epoch: "0a", number: 4, source: "camera", maxWidth: 640, quality: 80 }, {}],
  pictureAnswerSchema: [
    { ok: true, epoch: "0a", number: 4, captureTimeMs: 1.5, ptsUs: 2, width: 64, height: 48 },
    { ok: false, reason: "busy", message: "too many" },
  ],
  probeRequestSchema: [
    {
      ...{ uri: "rtsp://10.0.0.5/a", transport: "tcp", videoTrack: 1, username: "u", password: "p" },
      picture: true,
    },
  ],
  probeAnswerSchema: [
    { ok: true, codec: "h264", width: 64, height: 48, fps: 25, videoTracks: 1, pictureFault: "none came" },
    { ok: false, reason: 2, message: "no route" },
  ],
  cameraRecordSchema: [
    {
      ...{ uri: "rtsp://10.0.0.5/a", transport: "auto", videoTrack: 1, decode: "cuda", targetFps: 5 },
      recording: { mode: "events", maxAgeDays: 7, eventsMaxAgeDays: 30, audio: true },
      privacy: { masks: [[[0.1, 0.1], [0.2, 0.1], [0.2, 0.2]]], video: "off" }, // biome-ignore format: a polygon
      ...{ labels: { site: "north" }, model: "street", minScore: 0.4, classes: ["person"] },
      ...{ hasCredentials: true, createTime: time, updateTime: time },
    },
  ],
  cameraSecretSchema: [{ username: "u", password: "p" }],
  sealedSecretSchema: [{ key: "k", nonce: "bm9uY2U=", data: "ZGF0YQ==" }],
  servedModelSchema: [
    {
      ...{ name: "street", version, architecture: "yolo-nas", width: 640, height: 640, longestSide: 636 },
      ...{ padValue: 114, placement: "corner", classes: ["person"] },
      accuracy: { ap: 0.5, ap50: 0.7, encoding: "int8Cpu", measuredOn: "any CPU" },
    },
  ],
  modelVersionsSchema: [
    {
      ...{ active: version, previous: "ba9876543210" },
      candidate: { activation: "3b241101-e2bb-4255-8caf-4136c566a962", version },
      versions: [{ version, seenTime: time }],
    },
  ],
  workerInfoSchema: [
    {
      ...{ id: "w-1", host: "h", model: "street", modelDigest: "d", modelVersion: version },
      versions: [version],
      candidate: {
        activation: "3b241101-e2bb-4255-8caf-4136c566a962",
        ...{ state: "failed", message: "no memory", classes: ["person"] },
      },
      ...{ versionFault: "gone", loadable: ["other"], unserved: [{ model: "third", why: "no room" }] },
      ...{ precision: "int8", executionProvider: "cpu", batchSize: 4, startTime: time },
      batchCurve: [{ batch: 1, milliseconds: 12.5 }],
      ...{ utilization: 0.5, framesPerSecond: 20, meanBatchSize: 2.5 },
    },
  ],
  recordingsRequestSchema: [{ fromMs: 1, toMs: 2 }],
  recordingsAnswerSchema: [
    {
      ...{ ingest: "i", url: "http://10.0.0.5:9101", token: "t", preRollMs: 5000, postRollMs: 5000 },
      spans: [span],
    },
  ],
  recordingSegmentsSchema: [
    {
      segments: [
        { id: "a", fromMs: 1, toMs: 2, bytes: 10, initBytes: 5, codec: "h264", width: 64, height: 48 },
      ],
    },
  ],
  recordingsDeletedSchema: [{ deletedSegments: 2, deletedBytes: 20 }],
  modelShadowSchema: [shadow],
  shadowMessageSchema: [
    {
      ...{ kind: "frame", frame: shadowFrame, classes: { person: agreement }, camera: side, shadow: side },
      ...{ cameraMs: 12.5, cameraBatch: 2, shadowMs: 13.5 },
    },
    { kind: "state", worker: "w-1", state: "failed", message: "no memory", dropped: 2 },
  ],
  shadowReportSchema: [
    {
      ...{ shadow, endedTime: time, frames: 3, camera: side, other: side, classes: { person: agreement } },
      workers: { "w-1": { state: "running", message: "", dropped: 0 } },
      cameraLatency: { count: 1, sumMs: 2, maxMs: 2 },
      ...{ cameraBatches: 1, shadowLatency: { count: 1, sumMs: 2, maxMs: 2 } },
      biggest: [{ ...shadowFrame, hasPicture: true }],
    },
  ],
  accessRecordSchema: [
    {
      ...{ kind: "user", name: "anna", role: "admin", cameras: ["site=north", "door-*"] },
      ...{ passwordHash: "$argon2id$x", provider: { issuer: "i", subject: "s", managed: true } },
      ...{ createTime: time, lastLoginTime: time },
    },
    {
      ...{ kind: "token", id: "t1", name: "a bridge", user: "anna", role: "viewer", cameras: ["*"] },
      ...{ login: true, hash: "$argon2id$y", createTime: time, expireTime: time, lastUseTime: time },
    },
    { kind: "session", user: "anna", createTime: time, lastUseTime: time },
  ],
  auditRecordSchema: [
    {
      ...{ time, user: "anna", action: "camera.update", target: "cameras/front", outcome: "ok" },
      ...{ address: "10.0.0.9", detail: "fps" },
    },
  ],
};
