import type { Logger } from "@sightline/service";
import type { LocatedModel } from "./model-directory.ts";
import type { SessionInfo } from "./session-messages.ts";

/** Logs which engine runs a version of a model, and why. */
export function reportSession(
  { manifest: model, version }: LocatedModel,
  session: SessionInfo,
  { batchSize, sessions }: { batchSize: number; sessions: number },
  log: Logger,
): void {
  const { provider, precision, encoding, digest } = session.engine;
  log.info(
    {
      model: model.name,
      version,
      digest,
      executionProvider: provider,
      precision,
      encoding,
      frames: session.pixelFormat,
      notUsed: session.refusals.map((refusal) => `${refusal.provider}: ${refusal.reason}`),
      batchSize,
      sessions,
      batchCurveMs: session.curve.map(({ batch, milliseconds }) => [batch, Number(milliseconds.toFixed(2))]),
    },
    `model runs on ${provider} in ${precision} (${encoding}: ${whyEncoding(session)})`,
  );
  if (session.arithmetic === "clips")
    log.warn(
      { model: model.name, encoding },
      "this processor has no VNNI and clips sums of this model's 8-bit weights, which costs accuracy; `sightline model quantize` writes a file whose sums do not clip",
    );
}

function whyEncoding({ engine, arithmetic }: SessionInfo): string {
  if (engine.encoding === "trtEngine") return "the engine that was built for this GPU";
  if (engine.encoding === "fp32")
    return engine.provider === "cuda" ? "ONNX Runtime has no INT8 for CUDA" : "asked for";
  return arithmetic === "exact"
    ? "the CPU's INT8, whose 8-bit sums are exact on this processor"
    : "the CPU's only INT8, whose 8-bit sums this processor clips";
}
