import { credentials } from "@grpc/grpc-js";
import { Event, EventPhase, EventType, streams, subjects, TimelineEntry } from "@sightline/contracts";
import {
  type AcknowledgeRequest,
  type ConsumeResponse,
  type CreateSubscriptionRequest,
  type DeadLetter,
  EventFilter,
  type Subscription,
  SubscriptionKind,
  Subscription as SubscriptionMessage,
  SubscriptionServiceClient,
  SubscriptionServiceService,
} from "@sightline/contracts/api";
import {
  connectNats,
  createLogger,
  ensureResultStreams,
  Lifecycle,
  type Nats,
  openBuckets,
  streamMaking,
} from "@sightline/service";
import { type NatsServer, preparing } from "@sightline/service/testing";
import { type StreamIdentity, streamIdentity } from "../feeds/cursor.ts";
import { StreamMakings } from "../feeds/stream-makings.ts";
import { subscriptionHandlers } from "../grpc/feed-handlers.ts";
import { GrpcCalls } from "../grpc/grpc-calls.ts";
import { GrpcServer } from "../grpc/grpc-server.ts";
import { startSubscriptions } from "../subscriptions/subscription-service.ts";
import { localAccess } from "./local-access.ts";
import { sampleFrame } from "./sample-frames.ts";

const kept = { maxAgeSeconds: 3600, maxBytes: 16 * 1024 ** 2, replicas: 1 };

/** Publishes the start of an event as the analysis does; `number` distinguishes events. */
export async function publishEvent(
  { jetstream }: Pick<Nats, "jetstream">,
  number: number,
  camera = "front",
  type: EventType = EventType.APPEARED,
): Promise<void> {
  const name = `cameras/${camera}/events/e${number}`;
  const event = Event.fromPartial({ name, type, phase: EventPhase.START, revision: number });
  await jetstream.publish(subjects.event(camera, `e${number}`), Event.encode(event).finish());
}

/** Named subscriptions served over gRPC, on a NATS server that several instances may share. */
export class RunningSubscriptions {
  readonly client: SubscriptionServiceClient;
  readonly nats: Nats;
  readonly #makings: StreamMakings;
  readonly #life: Lifecycle;

  private constructor(
    client: SubscriptionServiceClient,
    nats: Nats,
    makings: StreamMakings,
    life: Lifecycle,
  ) {
    this.#makings = makings;
    this.client = client;
    this.nats = nats;
    this.#life = life;
  }

  static async start(server: Pick<NatsServer, "url">): Promise<RunningSubscriptions> {
    const log = createLogger("test", "fatal");
    const life = new Lifecycle();
    const nats = await connectNats(server.url, "test", log);
    const { subscriptions, streamMakings } = await preparing(async () => {
      await ensureResultStreams(nats.manager, {
        timeline: kept,
        events: kept,
        deadLetters: kept,
        audit: kept,
      });
      return openBuckets(nats.kv);
    });
    const calls = new GrpcCalls(localAccess, log, () => undefined);
    const makings = life.add(new StreamMakings(streamMakings, log));
    const service = await startSubscriptions(nats, subscriptions, makings, log, life);
    const grpc = life.add(new GrpcServer(calls));
    grpc.addService(SubscriptionServiceService, subscriptionHandlers(calls, service));
    const port = await grpc.listen("127.0.0.1:0");
    const client = new SubscriptionServiceClient(`127.0.0.1:${port}`, credentials.createInsecure());
    return new RunningSubscriptions(client, nats, makings, life);
  }

  /** Identity of a stream; the service knows it from then on, as it would from its feed. */
  async identity(stream: string): Promise<StreamIdentity> {
    const identity = streamIdentity(stream, streamMaking(await this.nats.manager.streams.info(stream)));
    this.#makings.note(stream, identity);
    return identity;
  }

  /** Creates the streams, as the service does at its start. */
  makeStreams(): Promise<void> {
    return ensureResultStreams(this.nats.manager, {
      timeline: kept,
      events: kept,
      deadLetters: kept,
      audit: kept,
    });
  }

  /** Publishes the start of an event like the analysis; `number` distinguishes events. */
  publishEvent(number: number, camera = "front", type: EventType = EventType.APPEARED): Promise<void> {
    return publishEvent(this.nats, number, camera, type);
  }

  /** Publishes a frame like the analysis. */
  async publishFrame(number: number, camera = "front"): Promise<void> {
    const entry = TimelineEntry.fromPartial({
      entry: { $case: "frame", value: sampleFrame({ camera, number }) },
    });
    const subject = subjects.timeline(camera);
    const last = await this.nats.manager.streams
      .getMessage(streams.timeline, { last_by_subj: subject })
      .catch(() => null);
    await this.nats.jetstream.publish(subject, TimelineEntry.encode(entry).finish(), {
      expect: { lastSubjectSequence: last?.seq ?? 0 },
    });
  }

  async create(id: string, settings: Partial<Subscription> = {}): Promise<Subscription> {
    const subscription = SubscriptionMessage.fromPartial({
      kind: SubscriptionKind.EVENTS,
      filter: EventFilter.create(),
      start: { position: { $case: "beginning", value: true } },
      ...settings,
    });
    const request: CreateSubscriptionRequest = { subscriptionId: id, subscription };
    const response = await call<{ subscription: Subscription | undefined }>((done) =>
      this.client.createSubscription(request, done),
    );
    return response.subscription!;
  }

  async get(id: string): Promise<Subscription> {
    const response = await call<{ subscription: Subscription | undefined }>((done) =>
      this.client.getSubscription({ name: `subscriptions/${id}` }, done),
    );
    return response.subscription!;
  }

  async acknowledge(id: string, ...ackIds: string[]): Promise<void> {
    const request: AcknowledgeRequest = { name: `subscriptions/${id}`, ackIds };
    await call((done) => this.client.acknowledge(request, done));
  }

  async reject(
    id: string,
    ackIds: string[],
    options: { delaySeconds?: number; deadLetter?: boolean; reason?: string } = {},
  ) {
    const { delaySeconds = 0, deadLetter = false, reason = "" } = options;
    await call((done) =>
      this.client.reject({ name: `subscriptions/${id}`, ackIds, delaySeconds, deadLetter, reason }, done),
    );
  }

  async deadLetters(
    id: string,
    pageSize = 0,
    pageToken = "",
  ): Promise<{ deadLetters: DeadLetter[]; nextPageToken: string }> {
    return call((done) =>
      this.client.listDeadLetters({ parent: `subscriptions/${id}`, pageSize, pageToken }, done),
    );
  }

  async stop(): Promise<void> {
    this.client.close();
    await this.#life.stop(createLogger("test", "fatal"));
    await this.nats.connection.close();
  }
}

/** One reader of a subscription, and what it has received. */
export class Reader {
  readonly received: ConsumeResponse[] = [];
  readonly #call: ReturnType<SubscriptionServiceClient["consume"]>;

  /** `onMessage` is called with each message, in order. */
  constructor(
    on: RunningSubscriptions,
    id: string,
    maxUnacknowledged = 0,
    onMessage: (message: ConsumeResponse) => void = () => undefined,
  ) {
    this.#call = on.client.consume({ name: `subscriptions/${id}`, maxUnacknowledged });
    this.#call.on("data", (message: ConsumeResponse) => {
      this.received.push(message);
      onMessage(message);
    });
    this.#call.on("error", () => undefined);
  }

  /** Revisions of the received events, which distinguish them. */
  get numbers(): number[] {
    return this.received.flatMap(({ message }) =>
      message?.$case === "event" ? [message.value.revision] : [],
    );
  }

  stop(): void {
    this.#call.cancel();
  }
}

/** A gRPC call's answer. */
export async function call<T>(
  start: (done: (error: Error | null, response: T) => void) => unknown,
): Promise<T> {
  return new Promise((resolve, reject) =>
    start((error, response) => (error ? reject(error) : resolve(response))),
  );
}
