import { Readable } from "node:stream";
import { toIso } from "@sightline/contracts";
import { Command, Option } from "commander";
import sharp from "sharp";
import { writeExport } from "../export/write-export.ts";
import { withServer } from "../server-connection.ts";
import { untilSignal } from "../signals.ts";

/** `sightline camera snapshot`: saves the newest picture of a camera. */
export function cameraSnapshotCommand(): Command {
  const command = new Command("snapshot")
    .argument("<name>", "the camera")
    .option("--out <file>", "where to save the JPEG; NAME.jpg unless given")
    .option("--annotated", "draw what was found into the picture", false)
    .addOption(
      new Option("--frame <which>", "camera: in the camera's own resolution; model: as the model saw it")
        .choices(["camera", "model"])
        .default("camera"),
    );
  return command.action(
    async (name: string, options: { out?: string; annotated: boolean; frame: string }) => {
      const { annotated, frame: which, out = `${name}.jpg` } = options;
      const { jpeg, frame } = await withServer(command, (client) =>
        client.cameras.snapshot(name, { annotated, modelFrame: which === "model" }),
      );
      await writeExport(out, Readable.from([jpeg]), untilSignal());
      const time = toIso(frame.captureTime) ?? "an unknown time";
      const { width, height } = await sharp(jpeg).metadata();
      console.log(`${out}: ${width}×${height}, frame ${frame.number} of ${time}, ${jpeg.byteLength} bytes`);
    },
  );
}
