import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { EngineError } from "../errors.ts";
import type { GpuIdentity } from "./engine-key.ts";

/** What trtexec reported about the machine it built on. */
export interface TrtexecResult {
  /** Three-part version, e.g. "10.9.0". */
  readonly tensorrt: string;
  readonly gpu: GpuIdentity;
}

const LINES_KEPT = 20;

/**
 * Run trtexec and read TensorRT's version and the GPU from its output.
 * @throws EngineError trtexec_missing when there is no such program; trtexec_failed when it fails, or does not say what
 * it built on, with its last lines
 */
export async function runTrtexec(
  path: string,
  args: readonly string[],
  options: {
    readonly signal?: AbortSignal | undefined;
    readonly onLine?: ((line: string) => void) | undefined;
  } = {},
): Promise<TrtexecResult> {
  const child = spawn(path, args, {
    stdio: ["ignore", "pipe", "pipe"],
    ...(options.signal ? { signal: options.signal } : {}),
  });
  const last: string[] = [];
  const result = {
    tensorrt: undefined as string | undefined,
    gpu: {} as { name?: string; capability?: string },
  };
  const onLine = (line: string) => {
    last.push(line);
    if (last.length > LINES_KEPT) last.shift();
    readIdentity(line, result);
    options.onLine?.(line);
  };
  const ended = [child.stdout, child.stderr].map(async (stream) => {
    for await (const line of createInterface({ input: stream })) onLine(line);
  });
  const code = await new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.once("error", (cause: NodeJS.ErrnoException) => {
      options.signal?.aborted ? reject(options.signal.reason) : reject(spawnError(path, cause));
    });
    child.once("close", (exit, signal) => resolve(exit ?? signal));
  });
  await Promise.all(ended);
  if (code !== 0) {
    throw new EngineError(
      "trtexec_failed",
      `${path} ended with ${code}. Its last lines:\n${last.join("\n")}`,
    );
  }
  const { tensorrt, gpu } = result;
  if (!tensorrt || !gpu.name || !gpu.capability) {
    throw new EngineError(
      "trtexec_failed",
      `${path} did not say which TensorRT and GPU it built for, so the engine could not be checked later. ` +
        `Its last lines:\n${last.join("\n")}`,
    );
  }
  return { tensorrt, gpu: { name: gpu.name, computeCapability: gpu.capability } };
}

function readIdentity(
  line: string,
  result: { tensorrt: string | undefined; gpu: { name?: string; capability?: string } },
): void {
  const version = /TensorRT v(\d+)\b/.exec(line)?.[1];
  if (version) result.tensorrt ??= tensorrtVersion(Number(version));
  const device = /Selected Device:\s*(.+?)\s*$/.exec(line)?.[1];
  if (device) result.gpu.name = device;
  const capability = /Compute Capability:\s*([\d.]+)/.exec(line)?.[1];
  if (capability) result.gpu.capability = capability;
}

/** trtexec prints NV_TENSORRT_VERSION: major × 1000 + … before release 10 (8601), × 10000 + … since (100900). */
export function tensorrtVersion(number: number): string {
  const base = number >= 100_000 ? 10_000 : 1000;
  return [Math.floor(number / base), Math.floor((number % base) / 100), number % 100].join(".");
}

function spawnError(path: string, cause: NodeJS.ErrnoException): EngineError {
  if (cause.code === "ENOENT" || cause.code === "EACCES") {
    return new EngineError(
      "trtexec_missing",
      `Cannot run "${path}". trtexec comes with TensorRT; install it on this machine, which must have the GPU ` +
        "the engine is for, or name it with --trtexec PATH.",
      { cause },
    );
  }
  return new EngineError("trtexec_failed", `"${path}" could not be started.`, { cause });
}
