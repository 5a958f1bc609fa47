import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Finding } from "./finding.ts";

const libraries = {
  cuda: "libonnxruntime_providers_cuda.so",
  tensorrt: "libonnxruntime_providers_tensorrt.so",
};

/** The launcher installs what is not there. */
export const reinstallFix = "rm -rf node_modules && ./sightline --help";

/** Not `pnpm rebuild`, which leaves out packages whose scripts are not allowed. */
export const providersFix =
  "ONNXRUNTIME_NODE_INSTALL=cuda12 node_modules/.bin/node packages/yolo-nas/node_modules/onnxruntime-node/script/install.js   # with CUDA 12";

/** The execution providers that ONNX Runtime can use in this installation. */
export async function checkExecutionProviders(): Promise<Finding[]> {
  let cpu: boolean;
  try {
    const { builtInProviders } = await import("@sightline/yolo-nas");
    cpu = builtInProviders().has("cpu");
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
  const native = nativeDirectory();
  return [
    {
      name: "execution provider cpu",
      state: cpu ? "ok" : "missing",
      detail: "onnxruntime-node",
    },
    ...Object.entries(libraries).map(([provider, library]): Finding => {
      const name = `execution provider ${provider}`;
      return existsSync(join(native, library))
        ? { name, state: "ok", detail: library }
        : {
            name,
            state: "absent",
            detail: `${library} is not installed; models run on the CPU`,
            fix: providersFix,
          };
    }),
  ];
}

function nativeDirectory(): string {
  const main = fileURLToPath(import.meta.resolve("onnxruntime-node"));
  return join(dirname(dirname(main)), "bin", "napi-v6", process.platform, process.arch);
}
