import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { GpuIdentity } from "./engine-key.ts";

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
