import { join } from "node:path";
import type { ExecutionProvider, ModelManifest, ModelPrecision } from "@sightline/yolo-nas";
import { WorkerError } from "./errors.ts";

export type Precision = "int8" | "fp32";

/** One way to run the model on this machine. */
export interface EngineCandidate {
  provider: ExecutionProvider;
  precision: Precision;
  /** Which of the model's files is used. */
  encoding: ModelPrecision;
  path: string;
  /** First 12 hexadecimal digits of the file's SHA-256. */
  digest: string;
}

/** A provider that was tried or excluded, and why. */
export interface EngineRefusal {
  provider: ExecutionProvider;
  reason: string;
}

/** The ways to run a model, best first, and those excluded beforehand. */
export interface EngineCandidates {
  candidates: EngineCandidate[];
  refusals: EngineRefusal[];
}

/** Best first. */
const providers: readonly ExecutionProvider[] = ["tensorrt", "cuda", "cpu"];

/**
 * Which file of the model each provider would run. CUDA has no INT8 kernels in ONNX Runtime (it runs a quantised graph in
 * float, with conversions between all layers), so it takes the FP32 file when there is one.
 */
const files: Record<ExecutionProvider, Record<Precision | "auto", readonly [ModelPrecision, Precision][]>> = {
  tensorrt: { auto: [["trtEngine", "int8"]], int8: [["trtEngine", "int8"]], fp32: [] },
  cuda: {
    auto: [
      ["fp32", "fp32"],
      ["int8Cpu", "int8"],
    ],
    int8: [
      ["fp32", "fp32"],
      ["int8Cpu", "int8"],
    ],
    fp32: [["fp32", "fp32"]],
  },
  cpu: {
    auto: [
      ["int8Cpu", "int8"],
      ["fp32", "fp32"],
    ],
    int8: [["int8Cpu", "int8"]],
    fp32: [["fp32", "fp32"]],
  },
};

/** The ways to run a model for the requested provider and precision. */
export function engineCandidates(
  model: { folder: string; manifest: ModelManifest },
  wanted: ExecutionProvider | "auto",
  precision: Precision | "auto",
): EngineCandidates {
  const candidates: EngineCandidate[] = [];
  const refusals: EngineRefusal[] = [];
  for (const provider of wanted === "auto" ? providers : [wanted]) {
    const options = files[provider][precision];
    const found = options.find(([key]) => model.manifest.files[key]);
    if (!found) {
      refusals.push({ provider, reason: missing(model, provider, options) });
      continue;
    }
    const { file, sha256 } = model.manifest.files[found[0]]!;
    candidates.push({
      provider,
      precision: found[1],
      encoding: found[0],
      path: join(model.folder, file),
      digest: sha256.slice(0, 12),
    });
  }
  return { candidates, refusals };
}

/** Why a provider cannot run the model; with the command that changes that, if one command does. */
function missing(
  { folder, manifest }: { folder: string; manifest: ModelManifest },
  provider: ExecutionProvider,
  options: readonly [ModelPrecision, Precision][],
): string {
  if (options.length === 0) return "TensorRT runs the model in INT8 only, not in FP32";
  const keys = options.map(([key]) => key).join(" or ");
  const reason = `the model '${manifest.name}' has no ${keys} file`;
  const source = manifest.files.int8Trt;
  if (provider !== "tensorrt" || !source) return reason;
  return `${reason}; build it on this machine: sightline model engine ${join(folder, source.file)}`;
}

/**
 * Opens the first candidate that works; `open` rejects for a candidate that does not.
 * @throws WorkerError no_engine with the reason of every provider, when none works
 */
export async function openFirst<Engine>(
  { candidates, refusals }: { candidates: readonly EngineCandidate[]; refusals: readonly EngineRefusal[] },
  open: (candidate: EngineCandidate) => Promise<Engine>,
): Promise<{ engine: Engine; candidate: EngineCandidate; refusals: EngineRefusal[] }> {
  const refused = [...refusals];
  for (const candidate of candidates) {
    try {
      return { engine: await open(candidate), candidate, refusals: refused };
    } catch (error) {
      refused.push({ provider: candidate.provider, reason: (error as Error).message });
    }
  }
  const reasons = refused.map(({ provider, reason }) => `${provider}: ${reason}`).join("; ");
  throw new WorkerError("no_engine", `the model cannot run as requested: ${reasons}`);
}
