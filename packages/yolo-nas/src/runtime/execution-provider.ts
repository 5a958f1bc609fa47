/** Which of ONNX Runtime's execution providers a session runs on. */

import { ExecutionProviderError, InvalidArgumentError, ModelFileError } from "../errors.ts";
import { InferenceSession, listSupportedBackends } from "./onnx-runtime.ts";
import { providerObstacle } from "./provider-libraries.ts";

export const EXECUTION_PROVIDERS = ["tensorrt", "cuda", "cpu"] as const;
export type ExecutionProvider = (typeof EXECUTION_PROVIDERS)[number];

/** One attempt to open a session, for logs and metrics: why a faster provider is not the one in use. */
export interface ProviderAttempt {
  readonly provider: ExecutionProvider;
  /** Undefined for the provider that was chosen. */
  readonly failure: string | undefined;
}

export interface OpenedSession {
  readonly session: InferenceSession;
  readonly provider: ExecutionProvider;
  readonly attempts: readonly ProviderAttempt[];
}

/**
 * The names of the providers that this build of ONNX Runtime has, whether they work here or not.
 *
 * @example
 * ```ts
 * assert.ok(builtInProviders().has("cpu"));
 * ```
 */
export function builtInProviders(): ReadonlySet<string> {
  return new Set(listSupportedBackends().map((backend) => backend.name));
}

/**
 * Open a session on exactly the provider asked for, or for `auto` on the first of TensorRT, CUDA and CPU that works.
 * @throws ExecutionProviderError when the provider asked for cannot be used here
 * @throws ModelFileError when even the CPU cannot load the model
 */
export async function openSession(
  model: string | Uint8Array,
  wanted: ExecutionProvider | "auto",
  options: InferenceSession.SessionOptions,
): Promise<OpenedSession> {
  if (wanted !== "auto" && !EXECUTION_PROVIDERS.includes(wanted)) {
    throw new InvalidArgumentError(
      `Unknown execution provider "${wanted}"; choose auto, ${EXECUTION_PROVIDERS.join(", ")}.`,
    );
  }
  const supported = builtInProviders();
  const attempts: ProviderAttempt[] = [];
  let last: unknown;
  for (const provider of wanted === "auto" ? EXECUTION_PROVIDERS : [wanted]) {
    if (!supported.has(provider)) {
      attempts.push({ provider, failure: "not in this build of ONNX Runtime" });
      continue;
    }
    // Before the session: ONNX Runtime's own error says only that a library did not load, and one of another version may crash.
    const obstacle = provider === "cpu" ? undefined : await providerObstacle(provider);
    if (obstacle) {
      attempts.push({ provider, failure: obstacle.message });
      continue;
    }
    try {
      const session = await create(model, { ...options, executionProviders: [provider] });
      attempts.push({ provider, failure: undefined });
      return { session, provider, attempts };
    } catch (error) {
      last = error;
      attempts.push({ provider, failure: (error as Error).message });
    }
  }
  const reasons = attempts.map(({ provider, failure }) => `${provider}: ${failure}`).join("; ");
  // The CPU provider is always there: what it refuses is no model that can run anywhere.
  if (attempts.at(-1)!.provider === "cpu") {
    throw new ModelFileError(`ONNX Runtime cannot load the model (${reasons}).`, { cause: last });
  }
  throw new ExecutionProviderError(`The model cannot run on ${wanted} here (${reasons}).`, { cause: last });
}

function create(
  model: string | Uint8Array,
  options: InferenceSession.SessionOptions,
): Promise<InferenceSession> {
  return typeof model === "string"
    ? InferenceSession.create(model, options)
    : InferenceSession.create(model, options);
}
