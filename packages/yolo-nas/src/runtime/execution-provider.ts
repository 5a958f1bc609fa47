/** Chooses which of ONNX Runtime's execution providers a session runs on. */

import { ExecutionProviderError, InvalidArgumentError, ModelFileError } from "../errors.ts";
import { InferenceSession, listSupportedBackends } from "./onnx-runtime.ts";
import { providerObstacle } from "./provider-libraries.ts";

export const EXECUTION_PROVIDERS = ["tensorrt", "cuda", "cpu"] as const;
export type ExecutionProvider = (typeof EXECUTION_PROVIDERS)[number];

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
 * Open a session on exactly the requested provider.
 * @throws ExecutionProviderError when it cannot be used here
 * @throws ModelFileError when loading fails on the CPU, which is always available: then the model can run nowhere
 */
export async function openSession(
  model: string | Uint8Array,
  provider: ExecutionProvider,
  options: InferenceSession.SessionOptions,
): Promise<InferenceSession> {
  if (!EXECUTION_PROVIDERS.includes(provider))
    throw new InvalidArgumentError(
      `Unknown execution provider "${provider}"; choose ${EXECUTION_PROVIDERS.join(", ")}.`,
    );
  const refused = (why: string, cause?: unknown) =>
    new ExecutionProviderError(`The model cannot run on ${provider} here (${provider}: ${why}).`, { cause });
  if (!builtInProviders().has(provider)) throw refused("not in this build of ONNX Runtime");
  // Checked before the session: ONNX Runtime's own error says only that a library did not load, and a library of another version may
  // crash.
  const obstacle = provider === "cpu" ? undefined : await providerObstacle(provider);
  if (obstacle) throw refused(obstacle.message);
  try {
    return await create(model, { ...options, executionProviders: [provider] });
  } catch (cause) {
    const why = (cause as Error).message;
    if (provider !== "cpu") throw refused(why, cause);
    throw new ModelFileError(`ONNX Runtime cannot load the model (cpu: ${why}).`, { cause });
  }
}

function create(
  model: string | Uint8Array,
  options: InferenceSession.SessionOptions,
): Promise<InferenceSession> {
  return typeof model === "string"
    ? InferenceSession.create(model, options)
    : InferenceSession.create(model, options);
}
