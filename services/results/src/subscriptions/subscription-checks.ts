import { EventFilter, Subscription, SubscriptionKind } from "@sightline/contracts/api";
import { ApiError, faultsOf, throwFaults } from "../errors.ts";
import { readEventFilter } from "../feeds/event-format.ts";

const defaultAckDeadlineSeconds = 30;
const maxAckDeadlineSeconds = 600;
const defaultMaxDeliveryAttempts = 10;
const maxMaxDeliveryAttempts = 1000;

const idForm = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** The id in "subscriptions/{subscription}". @throws ApiError invalid_argument */
export function readSubscriptionName(name: string): string {
  const id = /^subscriptions\/([^/]+)$/.exec(name)?.[1] ?? "";
  if (!idForm.test(id))
    throw new ApiError(
      "invalid_argument",
      "the subscription's name is not valid; expected subscriptions/{subscription}",
    );
  return id;
}

/** The error for a subscription that does not exist. */
export function noSubscription(id: string): ApiError {
  return new ApiError("subscription_not_found", `there is no subscription '${id}'`);
}

/** Checks a new subscription and fills in defaults. @throws ApiError invalid_argument with every fault */
export function checkSubscription(id: string, given: Subscription | undefined): Subscription {
  const { kind, filter, start, ackDeadlineSeconds, maxDeliveryAttempts } = given ?? Subscription.create();
  const wrong: [boolean, string][] = [
    [
      !idForm.test(id),
      "subscription_id is not valid; expected 1 to 63 characters of a-z, 0-9 and '-', beginning with a letter or digit",
    ],
    [
      kind !== SubscriptionKind.EVENTS && kind !== SubscriptionKind.DETECTIONS,
      "subscription.kind is not set; expected SUBSCRIPTION_KIND_EVENTS or SUBSCRIPTION_KIND_DETECTIONS",
    ],
    [
      ackDeadlineSeconds > maxAckDeadlineSeconds,
      `subscription.ack_deadline_seconds is ${ackDeadlineSeconds}; expected 1 to ${maxAckDeadlineSeconds}, or 0 for ${defaultAckDeadlineSeconds}`,
    ],
    [
      maxDeliveryAttempts > maxMaxDeliveryAttempts,
      `subscription.max_delivery_attempts is ${maxDeliveryAttempts}; expected 1 to ${maxMaxDeliveryAttempts}, or 0 for ${defaultMaxDeliveryAttempts}`,
    ],
    [
      kind === SubscriptionKind.DETECTIONS && filter !== undefined && namesMoreThanFrames(filter),
      "subscription.filter has types, zones, rules, phases or attributes, which frames do not have; detections are filtered by cameras and classes",
    ],
  ];
  throwFaults([
    ...wrong.flatMap(([isWrong, message]) => (isWrong ? [new ApiError("invalid_argument", message)] : [])),
    ...faultsOf(() => readEventFilter(filter)),
  ]);
  return Subscription.fromPartial({
    name: `subscriptions/${id}`,
    kind,
    filter: filter ?? EventFilter.create(),
    start: start ?? { position: { $case: "newest", value: true } },
    ackDeadlineSeconds: ackDeadlineSeconds || defaultAckDeadlineSeconds,
    maxDeliveryAttempts: maxDeliveryAttempts || defaultMaxDeliveryAttempts,
  });
}

/** Whether two checked subscriptions want the same. */
export function sameSubscription(a: Subscription, b: Subscription): boolean {
  const essence = (subscription: Subscription) =>
    Buffer.from(
      Subscription.encode({
        ...subscription,
        createTime: undefined,
        pending: 0,
        unacknowledged: 0,
        deadLetters: 0,
      }).finish(),
    );
  return essence(a).equals(essence(b));
}

function namesMoreThanFrames({ types, zones, rules, phases, attributes }: EventFilter): boolean {
  return types.length + zones.length + rules.length + phases.length + attributes.length > 0;
}
