export {
  ARCHITECTURES,
  type ArchitectureName,
  type ArchitectureSpec,
  architecture,
  COCO_CLASSES,
} from "./architecture/architectures.ts";
export { type BuildOptions, buildModel } from "./architecture/build-model.ts";
export { countParameters, type ParameterCounts } from "./architecture/state-dict-layout.ts";
export * from "./classifiers/index.ts";
export {
  type CandidateBatch,
  DEFAULT_THRESHOLDS,
  type Detection,
  decodeCandidates,
  type Thresholds,
} from "./detection/decode-candidates.ts";
export {
  computeLetterbox,
  fitWithin,
  type Letterbox,
  PAD_VALUE,
  PLACEMENTS,
  type Placement,
  placeInFrame,
  type Size,
} from "./detection/letterbox.ts";
export * from "./engine/index.ts";
export * from "./errors.ts";
export * from "./evaluation/index.ts";
export * from "./families/index.ts";
export { describeModel, type ModelDescription, type ModelForm } from "./inspect/describe-model.ts";
export { modelWords } from "./inspect/model-words.ts";
export { type ConvolutionCounts, countConvolutions } from "./inspect/operation-count.ts";
export {
  addModelFiles,
  describeFiles,
  MANIFEST_FILE,
  type ModelManifest,
  type ModelPrecision,
  modelManifestSchema,
  modelVersion,
  type NewManifest,
  parseManifest,
  readManifest,
  writeManifest,
} from "./manifest.ts";
export { decodeModel, encodeModel, float32, int64, loadModel, OnnxGraph, saveModel } from "./onnx/index.ts";
export { i420Input } from "./prepare/i420-input.ts";
export { type PrepareOptions, prepareModel } from "./prepare/prepare-model.ts";
export {
  PIXEL_FORMATS,
  type PixelFormat,
  type PreparedMetadata,
  preparedMetadata,
} from "./prepare/prepared-form.ts";
export * from "./quantization/index.ts";
export { type DetectorOptions, DetectorSession } from "./runtime/detector-session.ts";
export {
  builtInProviders,
  EXECUTION_PROVIDERS,
  type ExecutionProvider,
} from "./runtime/execution-provider.ts";
export { pairsThatCanClip, processorKind, saturatesU8S8 } from "./runtime/pair-sums.ts";
export {
  onnxRuntimeFolder,
  onnxRuntimeVersion,
  PROVIDER_LIBRARIES,
  type ProviderObstacle,
  providerObstacle,
} from "./runtime/provider-libraries.ts";
export type { LayerWeights } from "./weights/kernel.ts";
export { readSafetensors, type StateDict } from "./weights/safetensors.ts";
export { SeededWeights } from "./weights/seeded-weights.ts";
export { classCountOf, StateDictWeights } from "./weights/state-dict-weights.ts";
export { readTorchCheckpoint } from "./weights/torch-checkpoint.ts";
