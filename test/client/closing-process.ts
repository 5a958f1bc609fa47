import { connect } from "@sightline/client";

/**
 * Uses all that lasts in a client and closes it; the process is to end by itself, as nothing of the client is left.
 * Arguments: the address, and "connected" or "alone": whether a server answers there.
 */
const [address = "", server] = process.argv.slice(2);
const client = connect(address);
const opened: Promise<void>[] = [];
const onOpen = () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  opened.push(promise);
  return resolve;
};
if (server === "connected") await client.subscriptions.create("closing", { kind: "events" });

const loops = [
  client.events.subscribe({ onOpen: onOpen() }),
  client.detections.subscribe({ onOpen: onOpen() }),
  client.detections.subscribe({ start: "beginning", onOpen: onOpen() }),
  client.subscriptions.consume("closing", { onOpen: onOpen() }),
].map(async (messages) => {
  for await (const _ of messages);
});
const processing = client.subscriptions.process("closing", () => undefined, { onOpen: onOpen() });
if (server === "connected") await Promise.all(opened);
const listing = Array.fromAsync(client.cameras.list()).then(
  () => "listed",
  (error) => error.code,
);
client.close();
await Promise.all([...loops, processing]);
console.log(await listing);
