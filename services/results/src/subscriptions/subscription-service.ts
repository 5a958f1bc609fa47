import type { KV } from "@nats-io/kv";
import {
  type AcknowledgeRequest,
  type ConsumeRequest,
  type CreateSubscriptionRequest,
  type DeleteDeadLetterRequest,
  type DeleteSubscriptionRequest,
  type GetSubscriptionRequest,
  type ListDeadLettersRequest,
  type ListDeadLettersResponse,
  type ListSubscriptionsRequest,
  type ListSubscriptionsResponse,
  type RejectRequest,
  Subscription,
} from "@sightline/contracts/api";
import { KvMirror, type Lifecycle, type Logger, type Nats } from "@sightline/service";
import type { CameraScope } from "../access/camera-scope.ts";
import { ApiError } from "../errors.ts";
import type { StreamMakings } from "../feeds/stream-makings.ts";
import { cutPage, pageTokenAfter, readPage } from "../history/page-token.ts";
import { type ConsumeContext, ConsumeSession, type ConsumeSink } from "./consume-session.ts";
import { DeadLetters } from "./dead-letters.ts";
import { ExpiredMessages } from "./expired-messages.ts";
import { RejectedMessages } from "./rejected-messages.ts";
import { checkSubscription, noSubscription, readSubscriptionName } from "./subscription-checks.ts";
import { type Delivery, decodeAckId } from "./subscription-consumers.ts";
import { SubscriptionRegistry } from "./subscription-registry.ts";

const maxAckIds = 1000;
const defaultUnacknowledged = 100;
const maxUnacknowledged = 1000;
const maxReasonLength = 1000;
const confirmTimeoutMs = 2_000;

/** The calls of the gRPC service for named subscriptions. Every method throws ApiError. */
export class SubscriptionService {
  readonly #context: ConsumeContext;
  readonly #rejected: RejectedMessages;

  constructor(context: ConsumeContext) {
    this.#context = context;
    this.#rejected = new RejectedMessages(context);
  }

  async create(
    { subscriptionId, subscription }: CreateSubscriptionRequest,
    scope: CameraScope,
  ): Promise<Subscription> {
    const checked = checkSubscription(subscriptionId, subscription);
    if (!isWithin(scope, checked))
      throw new ApiError(
        "permission_denied",
        "the subscription is to cameras that you do not see; name those in its filter that you do",
      );
    return available(async () => {
      const stored = await this.#context.registry.create(subscriptionId, checked);
      return this.#withState(subscriptionId, stored);
    });
  }

  async get({ name }: GetSubscriptionRequest, scope: CameraScope): Promise<Subscription> {
    const { id, subscription } = this.#find(name, scope);
    return available(() => this.#withState(id, subscription));
  }

  async list(
    { pageSize, pageToken }: ListSubscriptionsRequest,
    scope: CameraScope,
  ): Promise<ListSubscriptionsResponse> {
    const { registry } = this.#context;
    const ids = registry.ids().filter((id) => isWithin(scope, registry.get(id)));
    const { keys, nextPageToken } = cutPage(ids, readPage(pageSize, pageToken));
    return available(async () => ({ subscriptions: await this.#withStates(keys), nextPageToken }));
  }

  /** All subscriptions with their present state. */
  async all(): Promise<Subscription[]> {
    return available(() => this.#withStates(this.#context.registry.ids()));
  }

  async delete({ name }: DeleteSubscriptionRequest, scope: CameraScope): Promise<void> {
    const { id } = this.#find(name, scope);
    await available(() => this.#context.registry.delete(id));
  }

  /** Sends messages to `sink` until the session is stopped. */
  consume(request: ConsumeRequest, sink: ConsumeSink, scope: CameraScope): ConsumeSession {
    const { id, subscription } = this.#find(request.name, scope);
    if (request.maxUnacknowledged > maxUnacknowledged)
      throw new ApiError(
        "invalid_argument",
        `max_unacknowledged is ${request.maxUnacknowledged}; expected 1 to ${maxUnacknowledged}, or 0 for ${defaultUnacknowledged}`,
      );
    const most = request.maxUnacknowledged || defaultUnacknowledged;
    return new ConsumeSession(id, subscription, most, this.#context, sink);
  }

  async acknowledge(request: AcknowledgeRequest, scope: CameraScope): Promise<void> {
    const deliveries = this.#deliveries(request.name, request.ackIds, scope);
    const { connection } = this.#context.nats;
    // As a request with an answer, so that the acknowledgement is not lost if NATS fails in the next moment.
    await available(() =>
      Promise.all(
        deliveries.map(({ ackSubject }) =>
          connection.request(ackSubject, "+ACK", { timeout: confirmTimeoutMs }),
        ),
      ),
    );
  }

  async reject(request: RejectRequest, scope: CameraScope): Promise<void> {
    const { name, ackIds, delaySeconds, deadLetter, reason } = request;
    if (!(delaySeconds >= 0 && delaySeconds <= 3600))
      throw new ApiError("invalid_argument", `delay_seconds is ${delaySeconds}; expected 0 to 3600`);
    const id = readSubscriptionName(name);
    const deliveries = this.#deliveries(name, ackIds, scope);
    const why = reason.slice(0, maxReasonLength) || "rejected by its reader";
    await available(async () => {
      for (const delivery of deliveries)
        if (deadLetter) await this.#rejected.toDeadLetter(id, delivery, why);
        else this.#rejected.again(delivery, delaySeconds);
      await this.#context.nats.connection.flush();
    });
  }

  async listDeadLetters(request: ListDeadLettersRequest): Promise<ListDeadLettersResponse> {
    const id = readSubscriptionName(request.parent);
    this.#context.registry.get(id);
    const listed = readPage(request.pageSize, request.pageToken, id);
    const { size, after } = listed;
    const found = await available(() => this.#context.deadLetters.list(id, Number(after) || 0, size + 1));
    const page = found.slice(0, size);
    const last = page.at(-1);
    return {
      deadLetters: page.map(({ letter }) => letter),
      nextPageToken: found.length > size && last ? pageTokenAfter(listed, String(last.sequence)) : "",
    };
  }

  async deleteDeadLetter({ name, redeliver }: DeleteDeadLetterRequest): Promise<void> {
    const [, parent = "", letter = ""] = /^(subscriptions\/[^/]+)\/deadLetters\/(\d{1,15})$/.exec(name) ?? [];
    const id = readSubscriptionName(parent);
    this.#context.registry.get(id);
    await available(() => this.#context.deadLetters.remove(id, Number(letter), redeliver));
  }

  /** A subscription whose cameras are in the scope. @throws ApiError invalid_argument, subscription_not_found */
  #find(name: string, scope: CameraScope): { id: string; subscription: Subscription } {
    const id = readSubscriptionName(name);
    const { registry } = this.#context;
    const subscription = registry.get(id);
    if (!isWithin(scope, subscription)) throw noSubscription(id);
    return { id, subscription };
  }

  #deliveries(name: string, ackIds: readonly string[], scope: CameraScope): Delivery[] {
    const { id } = this.#find(name, scope);
    if (ackIds.length > maxAckIds)
      throw new ApiError(
        "invalid_argument",
        `ack_ids has ${ackIds.length} entries; the most is ${maxAckIds}`,
      );
    return ackIds.map((ackId) => decodeAckId(id, ackId));
  }

  #withStates(ids: readonly string[]): Promise<Subscription[]> {
    return Promise.all(ids.map((id) => this.#withState(id, this.#context.registry.get(id))));
  }

  async #withState(id: string, subscription: Subscription): Promise<Subscription> {
    const { registry, deadLetters } = this.#context;
    const [place, letters] = await Promise.all([registry.place(id, subscription), deadLetters.count(id)]);
    return {
      ...subscription,
      pending: place?.num_pending ?? 0,
      unacknowledged: place?.num_ack_pending ?? 0,
      deadLetters: letters,
    };
  }
}

/** Whether a subscription delivers only messages of cameras in the scope. */
function isWithin(scope: CameraScope, { filter }: Subscription): boolean {
  const cameras = filter?.cameras ?? [];
  return scope.all || (cameras.length > 0 && cameras.every((name) => scope.seesName(name)));
}

/** Runs NATS operations; a failure that the caller did not cause becomes subscriptions_unavailable. */
async function available<R>(task: () => Promise<R>): Promise<R> {
  try {
    return await task();
  } catch (cause) {
    if (cause instanceof ApiError) throw cause;
    throw new ApiError("subscriptions_unavailable", "NATS does not answer for subscriptions; try again", {
      cause,
    });
  }
}

/** Named subscriptions, ready to serve. */
export async function startSubscriptions(
  nats: Nats,
  bucket: KV,
  makings: StreamMakings,
  log: Logger,
  life: Lifecycle,
): Promise<SubscriptionService> {
  const mirror = life.add(new KvMirror(nats, bucket, (data) => Subscription.decode(data), log));
  await mirror.start();
  const deadLetters = new DeadLetters(nats);
  const registry = new SubscriptionRegistry(nats, bucket, mirror, deadLetters, makings, log);
  await registry.provisionAll();
  // Its consumers have gone with it: they must exist again before new messages arrive.
  makings.onRemade(() => void registry.provisionAll());
  const unfollow = nats.changes.listen({ back: () => void registry.provisionAll() });
  life.add({ stop: async () => unfollow() });
  const expired = new ExpiredMessages(nats, registry);
  return new SubscriptionService({ nats, registry, deadLetters, expired, log });
}
