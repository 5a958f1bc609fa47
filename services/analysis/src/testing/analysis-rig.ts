import { setTimeout as delay } from "node:timers/promises";
import {
  CameraRules,
  Event,
  encodeJson,
  FrameDetections,
  formatFrameId,
  streams,
  subjects,
  TimelineEntry,
} from "@sightline/contracts";
import {
  type Buckets,
  connectNats,
  createLogger,
  ensureResultStreams,
  ensureStreams,
  type Nats,
  openBuckets,
  SnapshotStore,
  StreamRead,
} from "@sightline/service";
import { liveEntries, NatsServer, preparing, sampleCamera } from "@sightline/service/testing";
import { type EventOrigin, originOf } from "../timeline-writer.ts";
import { type AnalysingService, KillableProcess } from "./killable-process.ts";
import { RunningAnalysis } from "./running-analysis.ts";
import { sceneFrame } from "./scene.ts";

/** Limits of every stream. */
export const retention = { maxAgeSeconds: 3_600, maxBytes: 64 * 1024 ** 2, replicas: 1 };

/** NATS with cameras and their frames, and processes that analyse them. */
export class AnalysisRig {
  readonly server: NatsServer;
  readonly nats: Nats;
  readonly buckets: Buckets;
  readonly #processes: KillableProcess[] = [];
  readonly #analyses: RunningAnalysis[] = [];
  /** Every published frame, encoded, by camera and in the order of their numbers. */
  readonly published = new Map<string, Uint8Array[]>();

  private constructor(server: NatsServer, nats: Nats, buckets: Buckets) {
    this.server = server;
    this.nats = nats;
    this.buckets = buckets;
  }

  static async start(): Promise<AnalysisRig> {
    const server = await NatsServer.start();
    const nats = await connectNats(server.url, "test", createLogger("test", "fatal"));
    const kept = { timeline: retention, events: retention, deadLetters: retention, audit: retention };
    const buckets = await preparing(async () => {
      await ensureStreams(nats.manager, retention);
      await ensureResultStreams(nats.manager, kept);
      await SnapshotStore.open(nats, retention);
      return openBuckets(nats.kv);
    });
    return new AnalysisRig(server, nats, buckets);
  }

  async register(camera: string, rules?: CameraRules): Promise<void> {
    if (rules) await this.buckets.cameraRules.put(camera, CameraRules.encode(rules).finish());
    await this.buckets.cameras.put(camera, encodeJson(sampleCamera()));
  }

  /** A process that analyses; `env` contains further settings. */
  async process(
    service: AnalysingService = "analysis",
    env: NodeJS.ProcessEnv = {},
  ): Promise<KillableProcess> {
    const process = await KillableProcess.start(service, this.server.url, {
      // Long, so that a slow machine does not make frames late.
      SIGHTLINE_REORDER_WINDOW_MS: "5000",
      ...env,
    });
    this.#processes.push(process);
    return process;
  }

  /** The analysis in this process. */
  async analysis(reorderWindowMs?: number): Promise<RunningAnalysis> {
    const analysis = await RunningAnalysis.start(this.server.url, reorderWindowMs);
    this.#analyses.push(analysis);
    return analysis;
  }

  /** Removes the leases of a killed process, as their expiry would. */
  async expireLeases(): Promise<void> {
    const { leases } = this.buckets;
    for (const key of (await liveEntries(this.nats.manager, leases)).keys()) await leases.purge(key);
  }

  /**
   * Publishes `count` frames at a rate; of every seven, two come in the wrong order. Frame numbers continue from the last
   * one. The camera's wall clock is wrong by `clockErrorMs` in the frame with that index.
   */
  async publishScene(
    camera: string,
    count: number,
    fps: number,
    clockErrorMs: (index: number) => number = () => 0,
  ): Promise<void> {
    const all = this.published.get(camera) ?? [];
    this.published.set(camera, all);
    const first = all.length;
    const startMs = Date.now() - (first * 1000) / fps;
    for (let i = first; i < first + count; i++) {
      const clockMs = startMs + clockErrorMs(i);
      const frame = sceneFrame({ camera, number: i + 1, atMs: (i * 1000) / fps, startMs: clockMs });
      all.push(FrameDetections.encode(frame).finish());
    }
    for (let i = first; i < first + count; i += 1) {
      await delay(Math.max(0, startMs + (i * 1000) / fps - Date.now()));
      const swapped = i % 7 === 0 && i + 1 < first + count;
      if (swapped) await this.#store(camera, all[i + 1]!);
      await this.#store(camera, all[i]!);
      if (swapped) i += 1;
    }
  }

  /** Publishes a frame as a worker does. */
  async publish(frame: FrameDetections): Promise<void> {
    const camera = frame.frame!.camera.replace("cameras/", "");
    await this.#store(camera, FrameDetections.encode(frame).finish());
  }

  /** Repeats until the message is stored. */
  async #store(camera: string, data: Uint8Array): Promise<void> {
    const { epoch, number } = FrameDetections.decode(data).frame!;
    const msgID = formatFrameId({ camera, epoch, number });
    const stored = () =>
      this.nats.jetstream.publish(subjects.detections(camera), data, { msgID, timeout: 1_000 }).then(
        () => true,
        () => false,
      );
    while (!(await stored())) await delay(50);
  }

  /** A camera's timeline as stored. */
  async timeline(camera: string): Promise<{ sequence: number; entry: TimelineEntry }[]> {
    const messages = await this.#all(streams.timeline, subjects.timeline(camera));
    return messages.map(({ seq, data }) => ({ sequence: seq, entry: TimelineEntry.decode(data) }));
  }

  /** A camera's events as stored. */
  async events(camera: string): Promise<{ event: Event; origin: EventOrigin | undefined }[]> {
    const messages = await this.#all(streams.events, subjects.event(camera, "*"));
    return messages.map(({ data, headers }) => ({ event: Event.decode(data), origin: originOf(headers) }));
  }

  /**
   * Sets a camera back to its state after `kept` messages of its timeline and events, counted in the order of the entries,
   * each followed by its events; `checkpoint` is the checkpoint of that time.
   */
  async rewind(camera: string, kept: number, checkpoint: Uint8Array): Promise<void> {
    await this.buckets.analysisState.put(camera, checkpoint);
    const events = await this.#all(streams.events, subjects.event(camera, "*"));
    const entries = await this.#all(streams.timeline, subjects.timeline(camera));
    const writes = entries.flatMap(({ seq }) => [
      { stream: streams.timeline, seq },
      ...events
        .filter(({ headers }) => originOf(headers)?.sequence === seq)
        .map((event) => ({ stream: streams.events, seq: event.seq })),
    ]);
    for (const { stream, seq } of writes.slice(kept))
      await this.nats.manager.streams.deleteMessage(stream, seq);
    // The last message of a stream is present, as after any crash.
    await this.nats.jetstream.publish(subjects.timeline("end"), new Uint8Array());
    await this.nats.jetstream.publish(subjects.event("end", "end"), new Uint8Array());
    // A server remembers the ids of deleted messages, but not after it was ended.
    await this.server.down("SIGKILL");
    await this.server.up();
    const answers = () =>
      this.buckets.analysisState.get(camera).then(
        () => true,
        () => false,
      );
    while (!(await answers())) await delay(50);
  }

  /** How many frames of a camera are in its timeline. */
  async framesIn(camera: string): Promise<number> {
    return (await this.timeline(camera)).filter(({ entry }) => entry.entry?.$case === "frame").length;
  }

  async #all(stream: string, subject: string) {
    const last = await this.nats.manager.streams.getMessage(stream, { last_by_subj: subject });
    const messages = [];
    if (last)
      for await (const message of await StreamRead.open(this.nats.jetstream, stream, {
        from: { after: 0 },
        until: last.seq,
        subject,
      }))
        messages.push(message);
    return messages;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#analyses.map((analysis) => analysis.stop()));
    await Promise.all(this.#processes.map((process) => process.signal("SIGKILL")));
    await this.nats.connection.close();
    await this.server.stop();
  }
}
