import { join } from "node:path";
import { projectRoot } from "@sightline/stack";
import { providerObstacle } from "@sightline/yolo-nas";
import { Command } from "commander";
import { installGpuLibraries } from "../gpu/install-libraries.ts";
import { untilSignal } from "../signals.ts";

/** `sightline gpu install`: what ONNX Runtime's GPU providers need, except the driver. */
export function gpuInstallCommand(): Command {
  return new Command("install")
    .description(
      "install ONNX Runtime's CUDA and TensorRT providers and the CUDA libraries they need, from PyPI by pip",
    )
    .option("--tensorrt", "TensorRT 10 and its Python bindings too, from NVIDIA's registry", false)
    .option("--python <path>", "the Python whose pip downloads", "python3")
    .action(async (options: { tensorrt: boolean; python: string }) => {
      const folder = join(projectRoot, ".sightline", "gpu");
      const lib = join(folder, "lib");
      // For later commands the launcher does this.
      process.env.LD_LIBRARY_PATH = [lib, process.env.LD_LIBRARY_PATH].filter(Boolean).join(":");
      const onStep = (step: string) => console.error(step);
      await installGpuLibraries({ ...options, folder, signal: untilSignal(), onStep });
      for (const provider of ["cuda", "tensorrt"] as const) {
        const obstacle = await providerObstacle(provider);
        console.log(`${provider}: ${obstacle ? obstacle.message : "all libraries are found"}`);
      }
    });
}
