import {
  CameraStatus,
  Event,
  EventPhase,
  EventType,
  FrameReference,
  subjects,
  toTimestamp,
} from "@sightline/contracts";
import { type Buckets, connectNats, createLogger, type Nats, openBuckets } from "@sightline/service";

/** The content of an event. */
export interface SourceEvent {
  camera?: string;
  type?: EventType;
  phase?: EventPhase;
  revision?: number;
  zone?: string;
  className?: string;
  /** Number of the object; by default that of the event. Null for none. */
  track?: number | null;
  snapshot?: boolean;
}

/** Stands in for analysis and ingest: publishes events and states of cameras. */
export class EventSource {
  readonly nats: Nats;
  readonly #buckets: Buckets;

  private constructor(nats: Nats, buckets: Buckets) {
    this.nats = nats;
    this.#buckets = buckets;
  }

  static async connect(url: string): Promise<EventSource> {
    const nats = await connectNats(url, "test", createLogger("test", "fatal"));
    return new EventSource(nats, await openBuckets(nats.kv));
  }

  /** Publishes a message about the event with this number; by default, the start of an `appeared` event. */
  async publish(number: number, sample: SourceEvent = {}): Promise<void> {
    const event = sourceEvent(number, sample);
    const camera = sample.camera ?? "front";
    await this.nats.jetstream.publish(subjects.event(camera, `e${number}`), Event.encode(event).finish());
  }

  /** Publishes a camera's status, as its ingest does. */
  async setStatus(camera: string, status: Partial<CameraStatus>): Promise<void> {
    await this.#buckets.cameraStatus.put(
      camera,
      CameraStatus.encode(CameraStatus.fromPartial(status)).finish(),
    );
  }

  /** Whether the analysis of a registered camera has begun; when it begins, it ends open events that it did not create. */
  async isAnalysed(camera: string): Promise<boolean> {
    return (await this.#buckets.analysisState.get(camera)) !== null;
  }

  async stop(): Promise<void> {
    await this.nats.connection.close();
  }
}

/** A message about an event; its time is calculated from its revision. */
export function sourceEvent(
  number: number,
  {
    camera = "front",
    type = EventType.APPEARED,
    phase = EventPhase.START,
    revision = 1,
    zone = "",
    className = "person",
    track = number,
    snapshot = false,
  }: SourceEvent = {},
): Event {
  const start = Date.UTC(2026, 0, 1);
  const now = toTimestamp(start + (revision - 1) * 1000);
  const over = phase === EventPhase.END || phase === EventPhase.ONCE;
  const frame = FrameReference.fromPartial({ epoch: "a", number: revision, captureTime: now });
  return Event.fromPartial({
    name: `cameras/${camera}/events/e${number}`,
    type,
    phase,
    revision,
    rule: "r",
    zone,
    track:
      track === null
        ? undefined
        : {
            id: `i-${track}`,
            className,
            score: 0.5,
            bestScore: 0.75,
            pixelBox: { xMin: 64, yMin: 48, xMax: 128, yMax: 240 },
            normalizedBox: { xMin: 0.1, yMin: 0.1, xMax: 0.2, yMax: 0.5 },
            startTime: toTimestamp(start),
            zones: zone === "" ? [] : [zone],
          },
    startTime: toTimestamp(start),
    updateTime: now,
    endTime: over ? now : undefined,
    frame,
    snapshotFrame: snapshot ? frame : undefined,
  });
}
