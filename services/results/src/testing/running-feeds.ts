import {
  cameraIdOf,
  cameraName,
  Event,
  EventPhase,
  EventType,
  eventsStream,
  type FrameDetections,
  formatFrameId,
  parseEventName,
  subjects,
  TimelineEntry,
  timelineStream,
  toTimestamp,
} from "@sightline/contracts";
import {
  connectNats,
  createLogger,
  ensureStream,
  KvMirror,
  Lifecycle,
  type Nats,
  openBuckets,
} from "@sightline/service";
import { NatsServer, preparing } from "@sightline/service/testing";
import type { FeedObserver } from "../feeds/feed.ts";
import { DetectionService, EventService } from "../feeds/feed-services.ts";
import { detectionFeed, eventFeed, type FeedParts } from "../feeds/feeds.ts";
import { StreamMakings } from "../feeds/stream-makings.ts";
import { SubscriberCount } from "../feeds/subscribers.ts";
import {
  detectionHandlers,
  eventHandlers,
  preEncodedDetectionService,
  preEncodedEventService,
} from "../grpc/feed-handlers.ts";
import { GrpcCalls } from "../grpc/grpc-calls.ts";
import { GrpcServer } from "../grpc/grpc-server.ts";
import { DetectionHistory, type RulesOf, ZoneLookup } from "../history/detection-history.ts";
import { EventHistory } from "../history/event-history.ts";
import { decodeReview, EventReviews } from "../history/event-reviews.ts";
import { FeedClient } from "./feed-client.ts";
import { localAccess } from "./local-access.ts";

const log = createLogger("test", "fatal");

interface FeedOptions extends Pick<FeedParts, "ring" | "progressMs"> {
  rulesOf?: RulesOf;
}

/** The feeds and their calls, over real gRPC and a real NATS server; the test acts as the analysis that fills the streams. */
export class RunningFeeds {
  readonly server: NatsServer;
  readonly nats: Nats;
  readonly #options: FeedOptions;
  #life = new Lifecycle();
  #client: FeedClient | undefined;
  #address = "127.0.0.1:0";

  private constructor(server: NatsServer, nats: Nats, options: FeedOptions) {
    this.server = server;
    this.nats = nats;
    this.#options = options;
  }

  static async start(options: FeedOptions = {}): Promise<RunningFeeds> {
    const server = await NatsServer.start();
    const running = new RunningFeeds(server, await connectNats(server.url, "test", log), options);
    await running.makeStreams();
    await running.startFeeds();
    return running;
  }

  get client(): FeedClient {
    return this.#client!;
  }

  /** Address of the gRPC server; it stays the same. */
  get address(): string {
    return this.#address;
  }

  /** Creates the streams, as the service does at its start. */
  async makeStreams(maxAgeSeconds = 3_600): Promise<void> {
    const retention = { maxAgeSeconds, maxBytes: 256 * 1024 ** 2, replicas: 1 };
    await preparing(async () => {
      await ensureStream(this.nats.manager, timelineStream(retention));
      await ensureStream(this.nats.manager, eventsStream(retention));
    });
  }

  /** Starts the feeds of the results service; after `stopFeeds` this is a service with no earlier state. */
  async startFeeds(): Promise<void> {
    const life = new Lifecycle();
    this.#life = life;
    const nats = await connectNats(this.server.url, "feeds", log);
    life.add({ stop: () => nats.connection.close() });
    const { ring, progressMs, rulesOf = () => undefined } = this.#options;
    const buckets = await preparing(() => openBuckets(nats.kv));
    const makings = life.add(new StreamMakings(buckets.streamMakings, log));
    const parts = { nats, count: new SubscriberCount(100), makings, log, ring, progressMs };
    const timeline = detectionFeed(parts, nobody);
    const events = eventFeed(parts, nobody);
    for (const { reader } of [timeline, events]) {
      life.add(reader);
      await reader.start();
    }
    await makings.settled();
    const calls = new GrpcCalls(localAccess, log, () => undefined);
    const grpc = life.add(new GrpcServer(calls));
    const marks = life.add(new KvMirror(nats, buckets.eventReviews, decodeReview, log));
    await marks.start();
    const reviews = life.add(new EventReviews(nats, buckets.eventReviews, marks, events.stored, 3600, log));
    await reviews.start();
    const zones = new ZoneLookup(rulesOf);
    const detections = new DetectionHistory(timeline.stored, zones);
    grpc.addService(
      preEncodedDetectionService,
      detectionHandlers(calls, new DetectionService(timeline, 256), detections),
    );
    grpc.addService(
      preEncodedEventService,
      eventHandlers(
        calls,
        new EventService(events),
        new EventHistory(events.stored, (name) => reviews.find(name)),
        reviews,
      ),
    );
    this.#address = `127.0.0.1:${await grpc.listen(this.#address)}`;
    const client = new FeedClient(this.#address);
    life.add({ stop: async () => client.close() });
    this.#client = client;
  }

  async stopFeeds(): Promise<void> {
    await this.#life.stop(log);
  }

  async stop(): Promise<void> {
    await this.stopFeeds();
    await this.nats.connection.close();
    await this.server.stop();
  }

  /** Publishes a frame as the analysis does; returns its sequence. */
  async frame(frame: FrameDetections): Promise<number> {
    return this.timeline(cameraIdOf(frame.frame!.camera)!, { $case: "frame", value: frame });
  }

  /** Publishes an entry of a camera's timeline; returns its sequence. */
  async timeline(camera: string, entry: TimelineEntry["entry"]): Promise<number> {
    const data = TimelineEntry.encode({ entry, detectionsSequence: 0, incarnation: "i1" }).finish();
    const frame = entry?.$case === "frame" ? entry.value.frame : undefined;
    const options = frame && { msgID: formatFrameId({ camera, epoch: frame.epoch, number: frame.number }) };
    return (await this.nats.jetstream.publish(subjects.timeline(camera), data, options)).seq;
  }

  /** Publishes a message about an event as the analysis does; returns its sequence. */
  async event(event: Event): Promise<number> {
    const { camera, id } = parseEventName(event.name)!;
    const data = Event.encode(event).finish();
    const msgID = `${event.name}:${event.revision}`;
    return (await this.nats.jetstream.publish(subjects.event(camera, id), data, { msgID })).seq;
  }
}

/** Values for a sample event. */
export interface SampleEvent {
  camera?: string;
  id: string;
  type?: EventType;
  phase?: EventPhase;
  revision?: number;
  rule?: string;
  zone?: string;
  className?: string;
  /** Milliseconds since 1970; default: now. */
  startTime?: number;
}

/** A message about an event as the analysis publishes it. */
export function sampleEvent({
  camera = "front",
  id,
  type = EventType.ENTERED_ZONE,
  phase = EventPhase.START,
  revision = 1,
  rule = "door",
  zone = "entrance",
  className = "person",
  startTime = Date.now(),
}: SampleEvent): Event {
  const time = toTimestamp(startTime);
  return Event.fromPartial({
    name: `${cameraName(camera)}/events/${id}`,
    type,
    phase,
    revision,
    rule,
    zone,
    track: { id: `i1-${id}`, className, score: 0.9, bestScore: 0.9 },
    startTime: time,
    updateTime: time,
    message: `${className} in ${zone}`,
  });
}

const nobody: FeedObserver = {
  delivered: () => undefined,
  skipped: () => undefined,
  invalid: () => undefined,
  lag: () => undefined,
};
