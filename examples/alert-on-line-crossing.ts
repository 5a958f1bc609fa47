// Gives every camera a line down the middle of its picture, and prints an alert for each person who crosses it.
// Alerts wait while this program is not running: the named subscription keeps the place. Started twice, the two share them.
import { CrossingDirection, cameraIdOf, connect, EventType, toDate } from "@sightline/client";

const sightline = connect(process.argv[2] ?? "127.0.0.1:50051");
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => stop.abort());

const line = { name: "middle", start: { x: 0.5, y: 1 }, end: { x: 0.5, y: 0 } };
const rule = { type: EventType.CROSSED_LINE, line: line.name, classes: ["person"] };

// The same again is no error.
await sightline.subscriptions.create("line-crossings", {
  kind: "events",
  filter: { types: [EventType.CROSSED_LINE] },
});

for await (const { name } of sightline.cameras.list()) {
  const camera = cameraIdOf(name) ?? "";
  const rules = await sightline.rules.get(camera);
  if (rules.lines.some(({ name }) => name === line.name)) continue;
  // With the etag in `rules`, this fails rather than undo what somebody else has changed meanwhile.
  await sightline.rules.update(camera, {
    ...rules,
    lines: [...rules.lines, line],
    rules: [...rules.rules, rule],
  });
}

await sightline.subscriptions.process(
  "line-crossings",
  (message) => {
    // What is thrown here is tried again later; what returns is never delivered again.
    if (message.kind !== "event") return;
    const { event } = message;
    const camera = event.name.split("/")[1];
    const way = event.direction === CrossingDirection.LEFT_TO_RIGHT ? "to the right" : "to the left";
    const time = event.startTime ? toDate(event.startTime).toISOString() : "";
    console.log(
      `${time} ${camera}: ${event.track?.className} ${event.track?.id} crossed ${event.line} ${way}`,
    );
  },
  {
    signal: stop.signal,
    onFailure: (error) => console.error("will be tried again:", error),
    onGap: ({ messages }) => console.error(`${messages} messages expired before they were read`),
  },
);
sightline.close();
