import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { EngineError } from "../errors.ts";

const run = promisify(execFile);

/** A program that builds engines, and its arguments before those of trtexec. */
export interface EngineBuilder {
  readonly program: string;
  readonly arguments: readonly string[];
  /** Name for messages. */
  readonly name: string;
}

export interface BuilderChoice {
  /** Path of a trtexec; if given, no other builder is searched. */
  readonly trtexec?: string | undefined;
  /** The Python that has TensorRT's bindings. Default "python3". */
  readonly python?: string | undefined;
}

const script = fileURLToPath(new URL("build_engine.py", import.meta.url));

/** Where NVIDIA's Debian packages put it; this folder is not on the PATH. */
const packaged = "/usr/src/tensorrt/bin";

/**
 * The builder of this machine: trtexec, or TensorRT's Python bindings with our script.
 * @throws EngineError builder_missing when neither exists
 *
 * @example
 * ```ts
 * const builder = await findEngineBuilder({ trtexec: "/opt/tensorrt/bin/trtexec" });
 * assert.equal(builder.program, "/opt/tensorrt/bin/trtexec");
 * ```
 */
export async function findEngineBuilder({
  trtexec,
  python = "python3",
}: BuilderChoice = {}): Promise<EngineBuilder> {
  if (trtexec !== undefined) return { program: trtexec, arguments: [], name: `trtexec (${trtexec})` };
  const found = [...(process.env.PATH ?? "").split(delimiter), packaged]
    .map((folder) => join(folder, "trtexec"))
    .find(isProgram);
  if (found) return { program: found, arguments: [], name: `trtexec (${found})` };
  try {
    const { stdout } = await run(python, [script, "--version"], { timeout: 60_000 });
    return {
      program: python,
      arguments: [script],
      name: `TensorRT ${stdout.trim()}'s Python bindings (${python})`,
    };
  } catch (cause) {
    const said = (cause as { stderr?: string }).stderr?.trim().split("\n").at(-1) ?? (cause as Error).message;
    throw new EngineError(
      "builder_missing",
      `There is no trtexec on the PATH, and ${python} cannot load TensorRT (${said.replace("[E] ", "")}). Install one of them on ` +
        "this machine, which must have the GPU the engine is for: ./sightline gpu install --tensorrt brings TensorRT and its Python " +
        "bindings, NVIDIA's package libnvinfer-bin brings trtexec. Or name one with --trtexec PATH or --python PATH.",
      { cause },
    );
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
