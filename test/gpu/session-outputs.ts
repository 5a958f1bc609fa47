import type { DetectorSession } from "@sightline/yolo-nas";
import { InferenceSession, Tensor } from "onnxruntime-node";

export type Outputs = Record<string, Float32Array>;

export function open(path: string, provider: "cpu" | "cuda" | "tensorrt"): Promise<InferenceSession> {
  return InferenceSession.create(path, { executionProviders: [provider], logSeverityLevel: 3 });
}

/** A repeatable picture of blocks: pixels whose detections are few but not none. */
export function feeds(session: InferenceSession, batch: number): Record<string, Tensor> {
  const [input] = session.inputMetadata;
  if (!input?.isTensor) throw new Error("the model's input is no tensor");
  const [, channels, height, width] = input.shape as [unknown, number, number, number];
  const pixels = new Uint8Array(batch * channels * height * width);
  for (let i = 0; i < pixels.length; i++)
    pixels[i] = (((i % width) >> 4) * 37 + ((i / width) >> 4) * 91) & 255;
  return { [session.inputNames[0]!]: new Tensor("uint8", pixels, [batch, channels, height, width]) };
}

export async function outputs(session: InferenceSession, batch: number): Promise<Outputs> {
  const results = await session.run(feeds(session, batch));
  const floats = Object.entries(results).filter(([, tensor]) => tensor.type === "float32");
  return Object.fromEntries(floats.map(([name, tensor]) => [name, tensor.data as Float32Array]));
}

/** Energy of the difference over the energy of the reference, worst output. */
export function difference(reference: Outputs, other: Outputs): number {
  let worst = 0;
  for (const [name, wanted] of Object.entries(reference)) {
    const got = other[name]!;
    let noise = 0;
    let signal = 1e-12;
    for (let i = 0; i < wanted.length; i++) {
      if (!Number.isFinite(got[i]!)) throw new Error(`${name} holds ${got[i]}`);
      noise += (wanted[i]! - got[i]!) ** 2;
      signal += wanted[i]! ** 2;
    }
    worst = Math.max(worst, noise / signal);
  }
  return worst;
}

/** Median milliseconds of a run. */
export function medianRunMs(session: InferenceSession, batch: number): Promise<number> {
  const input = feeds(session, batch);
  return medianOf(() => session.run(input));
}

/** The same of a detector's session. */
export function batchMs(session: DetectorSession, pixels: Uint8Array, batch: number): Promise<number> {
  return medianOf(() => session.run(pixels, batch));
}

async function medianOf(run: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 60; i++) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  return times.slice(10).sort((a, b) => a - b)[25]!;
}
