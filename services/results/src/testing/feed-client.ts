import {
  type Client,
  type ClientReadableStream,
  credentials,
  type Metadata,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import {
  cameraName,
  type Event,
  type FrameDetections,
  type Gap,
  type StartPosition,
  toTimestamp,
} from "@sightline/contracts";
import {
  CountEventsRequest,
  type CountEventsResponse,
  DetectionServiceClient,
  EventFilter,
  EventServiceClient,
  ListDetectionsRequest,
  type ListDetectionsResponse,
  ListEventsRequest,
  type ListEventsResponse,
  SubscribeDetectionsRequest,
} from "@sightline/contracts/api";

export type ClientStart = "newest" | "beginning" | { time: Date } | { cursor: string };

/** An answer of a subscription. */
export type FeedMessage =
  | { kind: "frame"; frame: FrameDetections; cursor: string }
  | { kind: "event"; event: Event; cursor: string }
  | { kind: "skipped"; count: number; cursor: string }
  | { kind: "gap"; gap: Gap; cursor: string }
  | { kind: "progress"; cursor: string };

export interface FeedCall {
  start?: ClientStart;
  /** Whether to request progress; default: no. */
  progress?: boolean;
  signal?: AbortSignal;
  /** Called when the server has accepted the call. */
  onOpen?: (headers: Metadata) => void;
}

type Filter<T> = Partial<EventFilter> & T;

/** Raw calls of the feeds, without anything that a client adds. */
export class FeedClient {
  readonly #address: string;
  readonly #closing = new AbortController();
  readonly #detections: DetectionServiceClient;
  readonly #events: EventServiceClient;

  constructor(address: string) {
    this.#address = address;
    this.#detections = new DetectionServiceClient(address, credentials.createInsecure());
    this.#events = new EventServiceClient(address, credentials.createInsecure());
  }

  /** Waits until the server accepts calls. */
  async ready(timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve, reject) =>
      this.#events.waitForReady(new Date(Date.now() + timeoutMs), (error) =>
        error ? reject(error) : resolve(),
      ),
    );
  }

  close(): void {
    this.#closing.abort();
    this.#detections.close();
    this.#events.close();
  }

  /** SubscribeDetections; cameras by id. */
  async *detections({
    cameras = [],
    classes,
    ...options
  }: FeedCall & { cameras?: string[]; classes?: string[] } = {}): AsyncGenerator<FeedMessage, void> {
    const request = SubscribeDetectionsRequest.fromPartial({
      cameras: cameras.map(cameraName),
      classes,
      includeEmpty: !classes?.length,
      start: position(options.start),
      progress: options.progress,
    });
    const client = new DetectionServiceClient(this.#address, credentials.createInsecure(), ownConnection);
    const answers = this.#stream(client, () => client.subscribeDetections(request), options);
    for await (const { event, cursor } of answers) {
      if (event?.$case === "frame") yield { kind: "frame", frame: event.value, cursor };
      else if (event?.$case === "skipped") yield { kind: "skipped", count: event.value.count, cursor };
      else if (event?.$case === "gap") yield { kind: "gap", gap: event.value, cursor };
      else if (event?.$case === "progress") yield { kind: "progress", cursor };
    }
  }

  /** SubscribeEvents; cameras by id. */
  async *events({
    start,
    progress = false,
    signal,
    onOpen,
    ...filter
  }: Filter<FeedCall> = {}): AsyncGenerator<FeedMessage, void> {
    const cameras = filter.cameras?.map(cameraName);
    const request = {
      filter: EventFilter.fromPartial({ ...filter, cameras }),
      start: position(start),
      progress,
    };
    const client = new EventServiceClient(this.#address, credentials.createInsecure(), ownConnection);
    const answers = this.#stream(client, () => client.subscribeEvents(request), { signal, onOpen });
    for await (const { event, cursor } of answers) {
      if (event?.$case === "happened") yield { kind: "event", event: event.value, cursor };
      else if (event?.$case === "gap") yield { kind: "gap", gap: event.value, cursor };
      else if (event?.$case === "progress") yield { kind: "progress", cursor };
    }
  }

  async listDetections(
    request: Parameters<typeof ListDetectionsRequest.fromPartial>[0],
  ): Promise<ListDetectionsResponse> {
    return answer((done) =>
      this.#detections.listDetections(ListDetectionsRequest.fromPartial(request), done),
    );
  }

  async listEvents(
    request: Parameters<typeof ListEventsRequest.fromPartial>[0],
  ): Promise<ListEventsResponse> {
    return answer((done) => this.#events.listEvents(ListEventsRequest.fromPartial(request), done));
  }

  async countEvents(
    request: Parameters<typeof CountEventsRequest.fromPartial>[0],
  ): Promise<CountEventsResponse> {
    return answer((done) => this.#events.countEvents(CountEventsRequest.fromPartial(request), done));
  }

  async getEvent(name: string): Promise<Event | undefined> {
    return (await answer<{ event: Event | undefined }>((done) => this.#events.getEvent({ name }, done)))
      .event;
  }

  async *#stream<T>(
    client: Client,
    start: () => ClientReadableStream<T>,
    { signal, onOpen }: FeedCall,
  ): AsyncGenerator<T, void> {
    const ending = AbortSignal.any([this.#closing.signal, ...(signal ? [signal] : [])]);
    const call = start();
    if (onOpen) call.once("metadata", onOpen);
    const cancel = () => call.cancel();
    ending.addEventListener("abort", cancel, { once: true });
    try {
      for await (const answer of call) yield answer as T;
    } catch (error) {
      if (!ending.aborted) throw named(error as ServiceError);
    } finally {
      ending.removeEventListener("abort", cancel);
      call.on("error", () => undefined);
      call.cancel();
      client.close();
    }
  }
}

const ownConnection = { "grpc.use_local_subchannel_pool": 1, "grpc.max_receive_message_length": 2 ** 21 };

function position(start: ClientStart | undefined): StartPosition | undefined {
  if (start === undefined) return undefined;
  if (start === "newest" || start === "beginning") return { position: { $case: start, value: true } };
  if ("cursor" in start) return { position: { $case: "cursor", value: start.cursor } };
  return { position: { $case: "time", value: toTimestamp(start.time.getTime()) } };
}

async function answer<T>(call: (done: (error: ServiceError | null, response: T) => void) => unknown) {
  return new Promise<T>((resolve, reject) => {
    call((error, response) => (error ? reject(named(error)) : resolve(response)));
  });
}

/** The error with the names of its codes. */
function named(error: ServiceError): Error {
  const [reason] = error.metadata?.get("sightline-error") ?? [];
  return Object.assign(new Error(error.details), { code: status[error.code], reason });
}
