import type { ProviderObstacle } from "@sightline/yolo-nas";
import type { Finding } from "./finding.ts";

/** The launcher installs what is missing. */
export const reinstallFix = "rm -rf node_modules && ./sightline --help";

const providersFix = "./sightline gpu install";

/** The command that installs what is missing; a driver must come from the system. */
const fixes: Readonly<Record<ProviderObstacle["kind"], string | undefined>> = {
  "provider-libraries": providersFix,
  version: providersFix,
  cuda: providersFix,
  tensorrt: `${providersFix} --tensorrt`,
  driver: undefined,
};

/** The execution providers that ONNX Runtime can use in this installation. */
export async function checkExecutionProviders(): Promise<Finding[]> {
  let model: typeof import("@sightline/yolo-nas");
  let cpu: boolean;
  try {
    model = await import("@sightline/yolo-nas");
    cpu = model.builtInProviders().has("cpu");
  } catch (error) {
    return [
      {
        name: "execution provider cpu",
        state: "missing",
        detail: `onnxruntime-node cannot be loaded: ${(error as Error).message.split("\n")[0]}`,
        fix: reinstallFix,
      },
    ];
  }
  const gpu = (["cuda", "tensorrt"] as const).map(async (provider): Promise<Finding> => {
    const name = `execution provider ${provider}`;
    const obstacle = await model.providerObstacle(provider);
    if (!obstacle) return { name, state: "ok", detail: "all its libraries are found" };
    const fix = fixes[obstacle.kind];
    const [detail] = obstacle.message.split("; ./sightline");
    return { name, state: "absent", detail: `${detail}; models run without it`, ...(fix && { fix }) };
  });
  return [
    { name: "execution provider cpu", state: cpu ? "ok" : "missing", detail: "onnxruntime-node" },
    ...(await Promise.all(gpu)),
  ];
}
