import type { CommandEntry } from "./command-entry.ts";

/** Commands for models. */
export const modelCommands: readonly CommandEntry[] = [
  {
    path: ["model", "build"],
    description: "build YOLO-NAS as ONNX from a checkpoint with super-gradients' names, or from a seed",
    load: async () => (await import("../commands/model-build.ts")).modelBuildCommand(),
  },
  {
    path: ["model", "import"],
    description:
      "make a detector of any known family, or a classifier for a second stage, ready to run: a float ONNX export, or hub:NAME from the catalogue",
    load: async () => (await import("../commands/model-import.ts")).modelImportCommand(),
  },
  {
    path: ["model", "list"],
    description:
      "list the models that are here: what each is, its classes, size and version, and where it lies",
    load: async () => (await import("../commands/model-list.ts")).modelListCommand(),
  },
  {
    path: ["model", "inspect"],
    description: "say what an ONNX file is, by its tensors",
    load: async () => (await import("../commands/model-inspect.ts")).modelInspectCommand(),
  },
  {
    path: ["model", "prepare"],
    description: "rewrite an export into the form Sightline deploys, in a folder with its model.json",
    load: async () => (await import("../commands/model-prepare.ts")).modelPrepareCommand(),
  },
  {
    path: ["model", "quantize"],
    description: "calibrate a prepared model on frames and write INT8 files for the CPU and for TensorRT",
    load: async () => (await import("../commands/model-quantize.ts")).modelQuantizeCommand(),
  },
  {
    path: ["model", "eval"],
    description: "score a prepared model by COCO's 12 numbers, or two models on the same frames",
    load: async () => (await import("../commands/model-eval.ts")).modelEvalCommand(),
  },
  {
    path: ["model", "engine"],
    description:
      "build a TensorRT engine for this machine's GPU and wrap it as an ONNX file that workers load",
    load: async () => (await import("../commands/model-engine.ts")).modelEngineCommand(),
  },
  {
    path: ["model", "install"],
    description: "put a version of a model where the workers of this machine find it",
    load: async () => (await import("../commands/model-versions.ts")).modelInstallCommand(),
  },
  {
    path: ["model", "upload"],
    description: "bring an export to all workers over the network, as a model or a version of one",
    load: async () => (await import("../commands/model-upload.ts")).modelUploadCommand(),
  },
  {
    path: ["model", "versions"],
    description: "list the versions of a model that workers have, and which one they serve",
    load: async () => (await import("../commands/model-versions.ts")).modelVersionsCommand(),
  },
  {
    path: ["model", "activate"],
    description: "change the version of a model that all its workers serve, without a stop",
    load: async () => (await import("../commands/model-versions.ts")).modelActivateCommand(),
  },
  {
    path: ["model", "rollback"],
    description: "go back to the version of a model that was active before",
    load: async () => (await import("../commands/model-versions.ts")).modelRollbackCommand(),
  },
  {
    path: ["model", "shadow"],
    description: "run a share of a camera's frames by another model too, and report how the two compare",
    load: async () => (await import("../commands/model-shadow.ts")).modelShadowCommand(),
  },
  {
    path: ["model", "shadows"],
    description: "list what runs or ran in shadows of cameras' models, or show, stop or delete one",
    load: async () => (await import("../commands/model-shadows.ts")).modelShadowsCommand(),
  },
];
