/** What ONNX Runtime's CUDA and TensorRT providers need on this machine, and what of it is missing. */
import { execFile } from "node:child_process";
import { createReadStream, existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

type GpuProvider = "cuda" | "tensorrt";

const library = (name: string) => `libonnxruntime_providers_${name}.so`;

/** The TensorRT provider uses the CUDA provider's devices, so it needs both. */
export const PROVIDER_LIBRARIES: Readonly<Record<GpuProvider, readonly string[]>> = {
  cuda: [library("shared"), library("cuda")],
  tensorrt: [library("shared"), library("cuda"), library("tensorrt")],
};

/** Why a provider cannot be used here. */
export interface ProviderObstacle {
  readonly kind: "provider-libraries" | "version" | "cuda" | "tensorrt" | "driver";
  /** One line that says what to do. */
  readonly message: string;
}

/**
 * Version of onnxruntime-node, and so of the provider libraries that it can load.
 *
 * @example
 * ```ts
 * assert.match(onnxRuntimeVersion(), /^1\.\d+\.\d+/);
 * ```
 */
export function onnxRuntimeVersion(): string {
  const folder = dirname(dirname(fileURLToPath(import.meta.resolve("onnxruntime-node"))));
  return (JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string }).version;
}

/**
 * The folder of libonnxruntime.so.1: provider libraries must lie in it.
 *
 * @example
 * ```ts
 * import { existsSync } from "node:fs";
 * assert.ok(existsSync(onnxRuntimeFolder()));
 * ```
 */
export function onnxRuntimeFolder(): string {
  const main = fileURLToPath(import.meta.resolve("onnxruntime-node"));
  return join(dirname(dirname(main)), "bin", "napi-v6", process.platform, process.arch);
}

/**
 * The first thing that is missing for a provider here; undefined when all libraries are found. Checks only files and opens no session.
 * @param folder where the provider's libraries are looked for
 *
 * @example
 * ```ts
 * const obstacle = await providerObstacle("cuda", scratch); // A folder without any library.
 * assert.equal(obstacle?.kind, "provider-libraries");
 * ```
 */
export async function providerObstacle(
  provider: GpuProvider,
  folder = onnxRuntimeFolder(),
): Promise<ProviderObstacle | undefined> {
  const names = PROVIDER_LIBRARIES[provider];
  const absent = names.filter((name) => !existsSync(join(folder, name)));
  if (absent.length > 0)
    return {
      kind: "provider-libraries",
      message: `${absent.join(", ")} ${absent.length > 1 ? "are" : "is"} not installed beside ONNX Runtime; ./sightline gpu install brings what is missing`,
    };
  const version = onnxRuntimeVersion();
  const cuda = join(folder, library("cuda"));
  if (!(await holdsText(cuda, `\0${version}\0`)))
    return {
      kind: "version",
      message: `${library("cuda")} is of another version than ONNX Runtime, ${version}; ./sightline gpu install brings the right one`,
    };
  const lacking = await unresolved(names.map((name) => join(folder, name)));
  const tensorrt = lacking.filter((name) => /^libnv(?:infer|onnxparser)/.test(name));
  const driver = lacking.filter((name) => name.startsWith("libcuda.so"));
  const others = lacking.filter((name) => !tensorrt.includes(name) && !driver.includes(name));
  if (others.length > 0)
    return {
      kind: "cuda",
      message: `libraries of CUDA are not found: ${others.join(", ")}; ./sightline gpu install brings them (start services by ./sightline, which names their folder to the system)`,
    };
  if (driver.length > 0)
    return {
      kind: "driver",
      message: `this machine has no NVIDIA driver (${driver.join(", ")}, which comes with it, is not found)`,
    };
  if (tensorrt.length > 0)
    return {
      kind: "tensorrt",
      message: `TensorRT 10 is not found (${tensorrt.join(", ")}); ./sightline gpu install --tensorrt brings it where NVIDIA's registry is reached`,
    };
  return undefined;
}

/** Names of the libraries that these need and the system's loader does not find. */
async function unresolved(paths: readonly string[]): Promise<string[]> {
  const names = new Set<string>();
  for (const path of paths) {
    const { stdout } = await run("ldd", [path]).catch(() => ({ stdout: "" }));
    for (const [, name] of stdout.matchAll(/^\s*(\S+) => not found/gm)) names.add(name!);
  }
  return [...names];
}

/** Whether a file holds these characters, read in pieces. */
async function holdsText(path: string, text: string): Promise<boolean> {
  let end = Buffer.alloc(0);
  for await (const piece of createReadStream(path, {
    highWaterMark: 4 * 1024 * 1024,
  }) as AsyncIterable<Buffer>) {
    const joined = Buffer.concat([end, piece]);
    if (joined.includes(text)) return true;
    end = joined.subarray(-text.length);
  }
  return false;
}
