import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { glob, mkdir, mkdtemp, rename, rm, symlink } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { onnxRuntimeFolder, onnxRuntimeVersion, providerObstacle } from "@sightline/yolo-nas";
import { CliError } from "../errors.ts";

/** The Linux x86-64 wheels of all CPython versions contain the same provider libraries. */
const anyPython = [
  ...["--python-version", "3.12", "--implementation", "cp"],
  ...[
    "manylinux_2_28_x86_64",
    "manylinux_2_27_x86_64",
    "manylinux_2_17_x86_64",
    "manylinux2014_x86_64",
  ].flatMap((platform) => ["--platform", platform]),
];
/** ONNX Runtime loads engines of this release line. */
const tensorrt = "tensorrt-cu13>=10.13,<11";

const unpackScript = fileURLToPath(new URL("unpack_wheel.py", import.meta.url));

export interface GpuInstallOptions {
  /** Where the libraries of CUDA and TensorRT are installed: its folder `lib` holds links to them, `python` the packages. */
  readonly folder: string;
  readonly python: string;
  readonly tensorrt: boolean;
  readonly signal: AbortSignal;
  readonly onStep: (step: string) => void;
}

/**
 * Installs ONNX Runtime's CUDA and TensorRT providers, in onnxruntime-node's version, next to libonnxruntime.so.1, and the CUDA libraries
 * they need into a folder. pip downloads the packages and checks them against the index's SHA-256; each library and the folder appear
 * completely or not at all, and existing ones are kept.
 * @throws CliError when pip is missing or fails
 */
export async function installGpuLibraries(options: GpuInstallOptions): Promise<void> {
  const { folder, onStep } = options;
  if (process.platform !== "linux" || process.arch !== "x64")
    throw new CliError("unsupported", "ONNX Runtime has GPU libraries for Linux on x86-64 only");
  const before = (await providerObstacle("tensorrt"))?.kind;
  const isHere = before === undefined || before === "driver" || before === "tensorrt";
  if (isHere && !options.tensorrt)
    return onStep("ONNX Runtime's providers and the libraries of CUDA are here already");
  // Left by runs that were killed.
  for await (const left of glob(join(folder, "partial-*"))) await rm(left, { recursive: true });
  const version = onnxRuntimeVersion();
  const downloads = join(folder, "downloads");
  await mkdir(downloads, { recursive: true });
  onStep(`ONNX Runtime ${version}'s providers: 250 MB to download`);
  const requirement = `onnxruntime-gpu==${version}`;
  const pip = ["--only-binary", ":all:", "--no-deps", ...anyPython, "--dest", downloads, requirement];
  await runPip(["download", ...pip], options);
  const [wheel] = await Array.fromAsync(glob(join(downloads, `onnxruntime_gpu-${version}-*.whl`)));
  if (!wheel) throw new CliError("program_failed", `pip downloaded no wheel of ${requirement}`);
  const needed = (await output(options.python, [unpackScript, wheel, onnxRuntimeFolder()], options.signal))
    .split("\n")
    .filter((line) => line !== "");
  const kind = (await providerObstacle("cuda"))?.kind;
  const wanted = [...(kind === "cuda" ? needed : []), ...(options.tensorrt ? [tensorrt] : [])];
  if (wanted.length > 0) {
    onStep(`${wanted.join(", ")}: 1 to 4 GB to download`);
    // First into a folder that survives an interrupted run: complete files in it are not downloaded again. One by one, since pip moves
    // the files there only when it has all of them.
    for (const each of needed)
      await runPip(["download", "--only-binary", ":all:", "--dest", downloads, each], options);
    await installPackages(options.tensorrt ? [...needed, tensorrt] : needed, downloads, options);
  }
  await rm(downloads, { recursive: true, force: true });
}

/** Installs packages with their libraries into a new folder, which then replaces the old one. */
async function installPackages(
  packages: readonly string[],
  downloads: string,
  options: GpuInstallOptions,
): Promise<void> {
  const { folder } = options;
  const partial = await mkdtemp(join(folder, "partial-"));
  try {
    // While it is built, TensorRT's package downloads the libraries from NVIDIA's registry.
    const sources = ["--find-links", downloads, ...(options.tensorrt ? [] : ["--no-index"])];
    const target = join(partial, "python");
    await runPip(["install", "--no-compile", ...sources, "--target", target, ...packages], options);
    const lib = join(partial, "lib");
    await mkdir(lib);
    for await (const file of glob(join(target, "**", "*.so*")))
      if (/\.so(?:\.\d+)*$/.test(file) && /\/lib[^/]+$/.test(file) && !existsSync(join(lib, basename(file))))
        await symlink(relative(lib, file), join(lib, basename(file)));
    for (const name of ["python", "lib"]) {
      await rm(join(folder, name), { recursive: true, force: true });
      await rename(join(partial, name), join(folder, name));
    }
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

async function runPip(args: readonly string[], { python, signal }: GpuInstallOptions): Promise<void> {
  const child = spawn(python, ["-m", "pip", "--disable-pip-version-check", ...args], {
    stdio: ["ignore", 2, 2],
    signal,
  });
  const code = await exitCode(child, python, signal);
  if (code === 0) return;
  const hint = args.includes(tensorrt)
    ? "TensorRT's package fetches its libraries from NVIDIA's own registry; where that is not reached, install TensorRT 10 for CUDA 13 by the system's means."
    : 'Without pip: "apt-get install python3-pip". Run the command again to go on.';
  throw new CliError("program_failed", `pip could not ${args[0]} the packages; its words are above. ${hint}`);
}

async function output(program: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", 2], signal });
  let text = "";
  child.stdout?.setEncoding("utf8").on("data", (piece: string) => {
    text += piece;
  });
  if ((await exitCode(child, program, signal)) !== 0)
    throw new CliError("program_failed", `${args[0]} failed; its words are above`);
  return text;
}

async function exitCode(
  child: ReturnType<typeof spawn>,
  program: string,
  signal: AbortSignal,
): Promise<number | null> {
  try {
    const [code] = (await once(child, "close")) as [number | null];
    return code;
  } catch (cause) {
    signal.throwIfAborted();
    throw new CliError(
      "program_failed",
      `'${program}' cannot be run; name the Python that has pip with --python PATH`,
      {
        cause,
      },
    );
  }
}
