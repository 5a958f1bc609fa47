import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { SightlineClient } from "@sightline/client";
import { toIso } from "@sightline/contracts";
import {
  type ModelShadowMessage,
  ShadowBox_Kind,
  type ShadowClass,
  type ShadowSideMessage,
} from "@sightline/contracts/api";
import { textTable } from "../text-table.ts";

export function shadowId({ name }: Pick<ModelShadowMessage, "name">): string {
  return name.slice("shadows/".length);
}

/** Prints the result of a shadow. */
export function printShadow(shadow: ModelShadowMessage, json: boolean): void {
  if (json) {
    console.log(JSON.stringify(shadow));
    return;
  }
  const { camera, frames, workers, classes, total, cameraSide, shadowSide, biggest } = shadow;
  const dropped = workers.reduce((sum, worker) => sum + worker.dropped, 0);
  console.log(
    `camera ${camera.replace("cameras/", "")}: ${frames} frames compared, ${dropped} left out because a worker was busy`,
  );
  for (const { worker, state, message } of workers)
    if (state === "failed") console.log(`worker ${worker} could not run it: ${message}`);
  if (cameraSide && shadowSide) {
    console.log(`it runs:  ${sideWords(cameraSide)}`);
    console.log(`shadow:   ${sideWords(shadowSide)}`);
  }
  if (total && classes.length > 0) {
    const row = (name: string, of: ShadowClass) => [
      ...[name, sharePercent(of.agreement), String(of.both), String(of.gained), String(of.lost)],
      of.both > 0 ? `${of.meanScoreChange >= 0 ? "+" : ""}${of.meanScoreChange.toFixed(3)}` : "",
      of.both > 0 ? of.meanScoreDistance.toFixed(3) : "",
    ];
    const head = ["CLASS", "AGREEMENT", "BOTH", "GAINED", "LOST", "SCORE", "SCORE ±"];
    const rows = classes.map((each) => row(each.className, each));
    console.log(textTable([head, ...rows, ...(classes.length > 1 ? [row("all", total)] : [])]));
  }
  if (biggest.length > 0)
    console.log(
      textTable([
        ["FRAME", "TIME", "DIFFERENCE", "GAINED", "LOST"],
        ...biggest.map(({ id, captureTime, difference, boxes }) => [
          ...[id, toIso(captureTime) ?? "", difference.toFixed(2)],
          String(boxes.filter(({ kind }) => kind === ShadowBox_Kind.GAINED).length),
          String(boxes.filter(({ kind }) => kind === ShadowBox_Kind.LOST).length),
        ]),
      ]),
    );
}

/** Saves the pictures of the biggest differences as DIRECTORY/NUMBER-FRAME.jpg, biggest first. */
export async function savePictures(
  client: SightlineClient,
  shadow: ModelShadowMessage,
  directory: string,
  json: boolean,
): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const [index, { id, hasPicture }] of shadow.biggest.entries()) {
    if (!hasPicture) continue;
    const file = join(directory, `${index + 1}-${id}.jpg`);
    await writeFile(file, await client.models.shadowPicture(shadowId(shadow), id));
    if (!json) console.log(file);
  }
}

export function sharePercent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}

function sideWords({ model, version, precision, meanRunMs, maxRunMs, meanBatch }: ShadowSideMessage): string {
  const batch = meanBatch > 1 ? `, ${meanBatch.toFixed(1)} frames each` : "";
  const runs = `runs of ${meanRunMs.toFixed(1)} ms (${maxRunMs.toFixed(1)} at most${batch})`;
  return `${model.replace("models/", "")} ${version} ${precision}, ${runs}`;
}
