import { DetectorSession } from "@sightline/yolo-nas";
import { type BlockOptions, type TimedSubject, timeInBlocks } from "./alternating-blocks.ts";
import type { Engine, EngineTimes } from "./engine-table.ts";
import { type ModelSystem, noiseBatch } from "./model-systems.ts";
import type { OpenVinoProcess } from "./openvino-process.ts";

export interface EngineOptions extends BlockOptions {
  readonly engines: readonly Engine[];
  readonly batches: readonly number[];
  readonly threads: number;
  /** Needed for engines other than ONNX Runtime. */
  readonly openVino: OpenVinoProcess | undefined;
}

type Loaded = Omit<EngineTimes, "outcome"> & { readonly subject: TimedSubject | { readonly error: string } };

/** Time every system in every engine at every batch size; the engines of one system run in neighbouring blocks. */
export async function timeEngines(
  systems: readonly ModelSystem[],
  options: EngineOptions,
): Promise<EngineTimes[]> {
  const sessions: DetectorSession[] = [];
  try {
    const cases: Loaded[] = [];
    for (const system of systems) {
      const session = options.engines.includes("onnxruntime")
        ? await DetectorSession.load(system.file, { threads: options.threads })
        : undefined;
      if (session) sessions.push(session);
      for (const batch of options.batches)
        for (const engine of options.engines) {
          options.signal.throwIfAborted();
          if (engine === "onnxruntime") {
            const pixels = noiseBatch(system.input, batch);
            const subject = { run: () => session!.run(pixels, batch) };
            cases.push({ system, engine, batch, floats: "f32", subject });
          } else {
            const { openVino, threads } = options;
            const floats = engine === "openvino" ? "f32" : "bf16";
            const loaded = await openVino!.load({ file: system.file, batch, threads, floats });
            // A graph that the engine refuses becomes a line of the table and does not end the run.
            cases.push(
              "error" in loaded
                ? { system, engine, batch, floats, subject: loaded }
                : { system, engine, batch, ...loaded },
            );
          }
        }
    }
    const subjects = cases.flatMap(({ subject }) => ("error" in subject ? [] : [subject]));
    const times = await timeInBlocks(subjects, options);
    return cases.map(({ subject, ...each }) => ({
      ...each,
      outcome: "error" in subject ? subject : { times: times[subjects.indexOf(subject)]! },
    }));
  } finally {
    await Promise.all(sessions.map((session) => session.stop()));
  }
}
