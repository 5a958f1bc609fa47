import { writeFile } from "node:fs/promises";
import { toIso } from "@sightline/contracts";
import { Command } from "commander";
import { withServer } from "../server-connection.ts";

/** `sightline camera snapshot`: saves the newest picture of a camera. */
export function cameraSnapshotCommand(): Command {
  const command = new Command("snapshot")
    .argument("<name>", "the camera")
    .option("--out <file>", "where to save the JPEG; NAME.jpg unless given")
    .option("--annotated", "draw what was found into the picture", false);
  return command.action(async (name: string, options: { out?: string; annotated: boolean }) => {
    const { annotated, out = `${name}.jpg` } = options;
    const { jpeg, frame } = await withServer(command, (client) =>
      client.cameras.snapshot(name, { annotated }),
    );
    await writeFile(out, jpeg);
    const time = toIso(frame.captureTime) ?? "an unknown time";
    console.log(`${out}: frame ${frame.number} of ${time}, ${jpeg.byteLength} bytes`);
  });
}
