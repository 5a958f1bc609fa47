import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { projectRoot } from "@sightline/stack";
import { z } from "zod";
import { CliError } from "../errors.ts";
import type { TimedSubject } from "./alternating-blocks.ts";

const script = fileURLToPath(new URL("openvino_timer.py", import.meta.url));

/** Where OpenVINO's Python package is looked for, besides Python's usual places. */
export const OPENVINO_FOLDER = join(projectRoot, ".sightline", "openvino");

/** Floating-point type that OpenVINO computes in; bf16 is its default where the processor supports it. */
export type OpenVinoFloats = "f32" | "bf16";

export interface OpenVinoModel {
  /** An ONNX file with one input of pixels. */
  readonly file: string;
  readonly batch: number;
  readonly threads: number;
  readonly floats: OpenVinoFloats;
}

const started = z.union([
  z.object({ version: z.string() }),
  z.object({ missing: z.string(), pip: z.boolean() }),
]);
const failure = z.object({ error: z.string() });
const loaded = z.union([z.object({ floats: z.string() }), failure]);
const run = z.object({ ms: z.number(), cpuMs: z.number() });
const timed = z.union([z.object({ runs: z.array(run).min(2) }), failure]);

/** A Python process that keeps running, loads models into OpenVINO and times them on request. Requests are answered in order. */
export class OpenVinoProcess {
  /** In the package's form, such as "2026.4.1-…". */
  readonly version: string;
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  readonly #signal: AbortSignal;
  #models = 0;

  private constructor(
    child: ChildProcess,
    answers: AsyncIterator<string>,
    signal: AbortSignal,
    version: string,
  ) {
    this.#child = child;
    this.#answers = answers;
    this.#signal = signal;
    this.version = version;
  }

  /**
   * @param python the program to start; the process ends when `signal` aborts
   * @throws CliError when there is no such Python, or it has no OpenVINO
   */
  static async start(python: string, signal: AbortSignal): Promise<OpenVinoProcess> {
    const path = [OPENVINO_FOLDER, process.env.PYTHONPATH].filter(Boolean).join(":");
    const child = spawn(python, [script], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, PYTHONPATH: path },
      signal,
      killSignal: "SIGKILL",
    });
    // A process that has ended is noticed where its answer is awaited.
    child.stdin!.on("error", () => {});
    await once(child, "spawn").catch((cause: unknown) => {
      signal.throwIfAborted();
      throw new CliError(
        "program_failed",
        `OpenVINO is timed by Python, and '${python}' cannot be run: "apt-get install python3-pip" brings one, --python PATH names another`,
        { cause },
      );
    });
    // An abort by the signal also arrives here; it is noticed where an answer is awaited.
    child.on("error", () => {});
    const answers = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
    const first = started.safeParse(await nextAnswer(answers, child, signal));
    if (!first.success)
      throw new CliError("program_failed", `'${python}' is no Python that can run ${script}`);
    if ("version" in first.data) return new OpenVinoProcess(child, answers, signal, first.data.version);
    const pip = first.data.pip ? "" : "apt-get install python3-pip && ";
    const install = `${python} -m pip install --target ${OPENVINO_FOLDER} openvino`;
    throw new CliError(
      "program_failed",
      `'${python}' has no OpenVINO (${first.data.missing}); this brings it: ${pip}${install}`,
    );
  }

  /**
   * Load a model with a fixed batch, in one stream that uses all threads, and run it once on noise.
   * @returns a subject for timing and the floating-point type that OpenVINO uses, or why OpenVINO refuses the model
   * @throws CliError when the process has ended
   */
  async load(model: OpenVinoModel): Promise<{ subject: TimedSubject; floats: string } | { error: string }> {
    const { file, ...settings } = model;
    const answer = loaded.parse(await this.#ask({ load: file, ...settings }));
    if ("error" in answer) return { error: reason(answer.error) };
    const index = this.#models++;
    const timeBlock = async (blockMs: number) => {
      const block = timed.parse(await this.#ask({ time: index, blockMs }));
      if ("error" in block)
        throw new CliError("program_failed", `OpenVINO failed at ${file}: ${reason(block.error)}`);
      return block.runs;
    };
    return { subject: { timeBlock }, floats: answer.floats };
  }

  /** End the process. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    }
    // An unread pipe would keep this process running.
    child.stdin!.destroy();
    child.stdout!.destroy();
  }

  async #ask(request: object): Promise<unknown> {
    this.#child.stdin!.write(`${JSON.stringify(request)}\n`);
    return await nextAnswer(this.#answers, this.#child, this.#signal);
  }
}

async function nextAnswer(
  answers: AsyncIterator<string>,
  child: ChildProcess,
  signal: AbortSignal,
): Promise<unknown> {
  const { value, done } = await answers.next();
  if (!done) return parsed(value);
  signal.throwIfAborted();
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  throw new CliError(
    "program_failed",
    `OpenVINO's process ended (${child.signalCode ?? `exit code ${child.exitCode}`}); what it said is above`,
  );
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** OpenVINO's message begins with its own source files; the reason comes last, before a list of what failed with it. */
function reason(message: string): string {
  const lines = message.split("\n").filter((line) => line.trim() !== "");
  const line = lines.find((each) => each.includes("No conversion rule")) ?? lines.at(-1) ?? message;
  return line.replace(/^-- /, "");
}
