export type { CalibrationFrame } from "./calibrate.ts";
export type { CalibrationMethod } from "./calibration-range.ts";
export {
  type LayerReport,
  type QuantizationProgress,
  type QuantizationReport,
  reportTable,
} from "./quantization-report.ts";
export { evenly, type QuantizedModels, type QuantizeOptions, quantizeModel } from "./quantize-model.ts";
export type { SkipReason } from "./select-layers.ts";
export { sensitivityPlot } from "./sensitivity-plot.ts";
export { checkTuned } from "./tuned-model.ts";
