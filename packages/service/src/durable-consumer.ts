import { isDeepStrictEqual } from "node:util";
import type { ConsumerConfig, ConsumerInfo, JetStreamManager } from "@nats-io/jetstream";
import { isJetStreamFailure } from "./jetstream-errors.ts";

/**
 * Makes sure that a durable consumer exists with this `config` and can deliver what its stream holds. Returns "remade" when it could not
 * deliver, because its position was beyond the stream's end. @throws when NATS does not answer, or the stream is missing
 */
export async function ensureConsumer(
  manager: JetStreamManager,
  stream: string,
  config: Partial<ConsumerConfig> & { durable_name: string },
): Promise<"kept" | "made" | "remade"> {
  const name = config.durable_name;
  const known = await findConsumer(manager, stream, name);
  const beyond = known !== undefined && (await isBeyondEnd(manager, known));
  if (known && !beyond) {
    // Since NATS 2.10, adding a consumer that exists with another configuration (as after an upgrade) fails: it has to be updated.
    if (differs(known.config, config)) await manager.consumers.update(stream, name, config);
    return "kept";
  }
  if (beyond) await deleteConsumer(manager, stream, name);
  await manager.consumers.add(stream, config);
  return beyond ? "remade" : "made";
}

function differs(known: ConsumerConfig, wanted: Partial<ConsumerConfig>): boolean {
  return Object.entries(wanted).some(
    ([key, value]) => !isDeepStrictEqual(known[key as keyof ConsumerConfig], value),
  );
}

/**
 * Whether a consumer has delivered messages that its stream does not have any more, because NATS lost its newest. Such a consumer delivers
 * nothing until the stream is as long again, and skips everything that arrives until then. @throws when NATS does not answer
 */
export async function isBeyondEnd(
  manager: JetStreamManager,
  { stream_name, delivered }: Pick<ConsumerInfo, "stream_name" | "delivered">,
): Promise<boolean> {
  // The stream is read after the consumer: in between it can only have grown.
  return (
    delivered.stream_seq > 0 &&
    delivered.stream_seq > (await manager.streams.info(stream_name)).state.last_seq
  );
}

/** Information about a consumer; undefined when it does not exist. @throws when NATS does not answer, or the stream is missing */
export async function findConsumer(
  manager: JetStreamManager,
  stream: string,
  name: string,
): Promise<ConsumerInfo | undefined> {
  try {
    return await manager.consumers.info(stream, name);
  } catch (error) {
    if (isJetStreamFailure(error, "consumerNotFound")) return undefined;
    throw error;
  }
}

/** Deletes a consumer if it exists. @throws when NATS does not answer */
export async function deleteConsumer(manager: JetStreamManager, stream: string, name: string): Promise<void> {
  try {
    await manager.consumers.delete(stream, name);
  } catch (error) {
    if (!isJetStreamFailure(error, "consumerNotFound")) throw error;
  }
}
