// Prints how many people each camera sees, whenever that changes.
import { cameraIdOf, connect } from "@sightline/client";

const sightline = connect(process.argv[2] ?? "127.0.0.1:50051");
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => sightline.close());

const inView = new Map<string, number>();
const wanted = { classes: ["person"], minScore: 0.5, includeEmpty: true };
const onStatus = ({ state }: { state: string }) => console.error(state);

for await (const message of sightline.detections.subscribe({ ...wanted, onStatus })) {
  switch (message.kind) {
    case "frame": {
      const camera = cameraIdOf(message.frame.frame?.camera ?? "") ?? "?";
      const people = message.frame.detections.length;
      if (inView.get(camera) === people) break;
      inView.set(camera, people);
      console.log(`${camera}: ${people} in view`);
      break;
    }
    case "skipped":
      console.error(`too slow: ${message.count} frames skipped`);
      break;
    case "interrupted":
      console.error(`the connection was lost, some frames are missed: ${message.reason.message}`);
  }
}
