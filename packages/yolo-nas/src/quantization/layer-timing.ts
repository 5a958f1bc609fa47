import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession } from "../runtime/onnx-runtime.ts";
import { type CalibrationFrame, feed } from "./calibrate.ts";
import type { QuantizableLayer } from "./quantization-plan.ts";

/** A layer by its node's name and the tensors that carry its result. */
export type TimedLayer = Pick<QuantizableLayer, "name" | "output" | "node">;

const WARM_UP = 2;
const BLOCKS = 4;

/**
 * Median milliseconds each layer takes in two encoded models, by ONNX Runtime's own profile, the models alternating
 * in blocks so that both see the same machine. A layer the profile does not name (fused away) has no entry.
 */
export async function timeLayers(
  models: readonly [Uint8Array, Uint8Array],
  layers: readonly TimedLayer[],
  frames: readonly CalibrationFrame[],
): Promise<[Map<string, number>, Map<string, number>]> {
  const folder = await mkdtemp(join(tmpdir(), "sightline-profile-"));
  try {
    const sessions = await Promise.all(
      models.map((model, index) =>
        InferenceSession.create(model, {
          enableProfiling: true,
          profileFilePrefix: join(folder, `${index}`),
          logSeverityLevel: 3,
        }),
      ),
    );
    for (let block = 0; block < BLOCKS; block++) {
      for (const session of sessions) {
        for (const frame of frames) await session.run(feed(session, frame));
      }
    }
    for (const session of sessions) {
      session.endProfiling();
      await session.release();
    }
    const files = await readdir(folder);
    const times = [0, 1].map(async (index) => {
      const file = files.find((name) => name.startsWith(`${index}_`))!;
      return layerMedians(JSON.parse(await readFile(join(folder, file), "utf8")), layers);
    });
    return (await Promise.all(times)) as [Map<string, number>, Map<string, number>];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  /** Microseconds. */
  readonly dur: number;
}

/**
 * Kernel times by layer. The runtime renames what it fuses: a quantised convolution to the node's name and "_token_N",
 * a float one in its blocked layout to the output's name and "_nchwc".
 */
function layerMedians(events: readonly ProfileEvent[], layers: readonly TimedLayer[]): Map<string, number> {
  const known = new Map(
    layers.flatMap(({ name, output, node }) =>
      [name, output, node.outputs[0]!].map((alias) => [alias, name]),
    ),
  );
  const samples = new Map<string, number[]>();
  for (const { cat, name, dur } of events) {
    if (cat !== "Node" || !name.endsWith("_kernel_time")) continue;
    const layer = known.get(name.slice(0, -"_kernel_time".length).replace(/_token_\d+$|_nchwc$/, ""));
    if (layer === undefined) continue;
    const list = samples.get(layer) ?? [];
    list.push(dur / 1000);
    samples.set(layer, list);
  }
  const medians = new Map<string, number>();
  for (const [layer, list] of samples) {
    const warm = list.slice(Math.min(WARM_UP, list.length - 1)).sort((a, b) => a - b);
    medians.set(layer, warm[warm.length >> 1]!);
  }
  return medians;
}
