import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { z } from "zod";

/** Batch sizes an engine is built for: it runs min…max and is tuned for opt. */
export interface BatchProfile {
  readonly min: number;
  readonly opt: number;
  readonly max: number;
}

/** The properties of a GPU that an engine depends on. */
export interface GpuIdentity {
  readonly name: string;
  /** E.g. "8.9". */
  readonly computeCapability: string;
}

const profile = z.object({ min: z.int().positive(), opt: z.int().positive(), max: z.int().positive() });

/** Everything a serialised engine depends on: an engine is valid only where all of it is the same. */
export const engineKeySchema = z.object({
  /** SHA-256 of the ONNX file that the engine was built from. */
  modelDigest: z.string().regex(/^[0-9a-f]{64}$/),
  /** SHA-256 of the engine file itself. */
  engineDigest: z.string().regex(/^[0-9a-f]{64}$/),
  gpu: z.object({ name: z.string(), computeCapability: z.string() }),
  /** Three-part version, e.g. "10.9.0". */
  tensorrt: z.string(),
  precision: z.enum(["int8+fp16", "fp16", "fp32"]),
  profile,
});

export type EngineKey = z.infer<typeof engineKeySchema>;

/** A short name for engine files: equal keys give equal names, different keys give different names. */
export function engineTag(key: Omit<EngineKey, "engineDigest">): string {
  const { modelDigest, gpu, tensorrt, precision, profile: batches } = key;
  const parts = [
    modelDigest,
    gpu.name,
    gpu.computeCapability,
    tensorrt,
    precision,
    batches.min,
    batches.opt,
    batches.max,
  ];
  const digest = createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 12);
  return `sm${gpu.computeCapability.replace(".", "")}-trt${tensorrt}-${digest}`;
}

const run = promisify(execFile);

/**
 * This machine's first GPU by nvidia-smi, or undefined when there is none.
 *
 * @example
 * ```ts
 * const gpu = await queryGpu();
 * if (gpu) assert.match(gpu.computeCapability, /^\d+\.\d+$/);
 * assert.equal(await queryGpu(99), undefined); // There is no hundredth.
 * ```
 */
export async function queryGpu(index = 0): Promise<GpuIdentity | undefined> {
  try {
    const args = ["--query-gpu=name,compute_cap", "--format=csv,noheader", `--id=${index}`];
    const { stdout } = await run("nvidia-smi", args, { timeout: 10_000 });
    const [name, computeCapability] = stdout
      .split("\n")[0]!
      .split(",")
      .map((part) => part.trim());
    return name && computeCapability ? { name, computeCapability } : undefined;
  } catch {
    return undefined;
  }
}
